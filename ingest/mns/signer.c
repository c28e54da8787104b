/*
 * signer.c - signed headers, computed once a second where possible; see signer.h.
 */
#include "ingest/mns/signer.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define CONTENT_TYPE "text/xml"

void signer_init(struct signer *signer)
{
    *signer = (struct signer){.date_s = INT64_MIN};
}

static void set_date(struct signer *signer, int64_t time_ms)
{
    const int64_t date_s = time_ms / 1000;
    if (date_s == signer->date_s)
        return;
    wire_date_format(date_s * 1000, signer->date);
    signer->date_s = date_s;
}

static struct signer_entry *find(struct signer *signer, const struct wire_request *request,
                                 uint64_t generation)
{
    const struct slice target = buffer_slice(&request->target);
    for (size_t i = 0; i < SIGNER_KEPT; i++) {
        struct signer_entry *entry = &signer->entries[i];
        if (generation != 0 && entry->generation == generation && entry->date_s == signer->date_s &&
            entry->has_body == (request->body.len > 0) &&
            strcmp(entry->method, request->method) == 0 &&
            slice_equal(slice_of(entry->target, entry->target_len), target))
            return entry;
    }
    return NULL;
}

static enum status sign(struct signer *signer, const struct wire_request *request,
                        const struct access_key *key, char *authorization, struct error *err)
{
    const struct wire_header version = {.name = slice_of_text("x-mns-version"),
                                        .value = slice_of_text(WIRE_VERSION)};
    const struct wire_signed parts = {
        .method = slice_of_text(request->method),
        .content_type = slice_of_text(request->body.len > 0 ? CONTENT_TYPE : ""),
        .date = slice_of_text(signer->date),
        .headers = &version,
        .header_count = 1,
        .resource = buffer_slice(&request->target),
    };
    char signature[WIRE_SIGNATURE_BYTES];
    TRY(wire_sign(&parts, slice_of_text(key->secret), signature, err));
    (void)snprintf(authorization, SIGNER_AUTHORIZATION_BYTES, "MNS %.*s:%s",
                   (int)(ACCESS_KEY_ID_BYTES - 1), key->id, signature);
    return STATUS_OK;
}

/* A target with a handle in it (of a PUT, or of a DELETE without a body) never comes again. */
static bool is_worth_keeping(const struct wire_request *request)
{
    return request->target.len <= SIGNER_TARGET_BYTES &&
           (request->body.len > 0 || strcmp(request->method, "GET") == 0);
}

/* The entry for this request; signed now if none is kept. */
static enum status entry_for(struct signer *signer, const struct wire_request *request,
                             const struct access_key *key, const struct signer_entry **found,
                             struct error *err)
{
    struct signer_entry *entry = find(signer, request, key->generation);
    if (!entry) {
        const bool is_kept = is_worth_keeping(request) && key->generation != 0;
        entry = is_kept ? &signer->entries[signer->next] : &signer->unkept;
        entry->generation = 0; /* free, should signing fail */
        TRY(sign(signer, request, key, entry->authorization, err));
        if (is_kept) {
            signer->next = (signer->next + 1) % SIGNER_KEPT;
            entry->date_s = signer->date_s;
            entry->method = request->method;
            entry->has_body = request->body.len > 0;
            entry->target_len = request->target.len;
            memcpy(entry->target, request->target.data, request->target.len);
            entry->generation = key->generation;
        }
    }
    *found = entry;
    return STATUS_OK;
}

static void add_header(struct signer *signer, const char *name, const char *value)
{
    assert(signer->header_count < SIGNER_HEADERS_MAX);
    signer->headers[signer->header_count] = (struct transport_header){name, value};
    signer->header_count++;
}

enum status signer_sign(struct signer *signer, const struct wire_request *request,
                        const struct access_key *key, int64_t time_ms, struct error *err)
{
    assert(request->target.len > 0);
    set_date(signer, time_ms);
    const struct signer_entry *entry = NULL;
    TRY(entry_for(signer, request, key, &entry, err));

    signer->header_count = 0;
    add_header(signer, "Date", signer->date);
    add_header(signer, "x-mns-version", WIRE_VERSION);
    add_header(signer, "Authorization", entry->authorization);
    if (key->token[0] != '\0')
        add_header(signer, "security-token", key->token);
    if (request->body.len > 0)
        add_header(signer, "Content-Type", CONTENT_TYPE);
    return STATUS_OK;
}
