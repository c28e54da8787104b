/*
 * decode.c - the steps of decoding one body, and what is kept of a reject.
 *
 *      body -> fast path -> taken
 *           -> general path: body layer, envelope, payload layer, device, rows -> stored
 *                                                                    any step -> reject
 */
#include "ingest/decode/decode.h"

#include "engine/base/mem.h"
#include "ingest/decode/draft.h"
#include "ingest/decode/fast.h"
#include "ingest/decode/layer.h"
#include "ingest/decode/mask.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

_Static_assert(BODY_DIGEST_BYTES == 32, "digests are SHA-256");

/* --- configuration and life cycle ---------------------------------------------------------- */

enum status decoder_config_init(struct decoder_config *config, struct error *err)
{
    *config = (struct decoder_config){0};
    TRY(civil_zone_open(&config->payload_zone, "+08:00", err));
    return time_fields_parse(&config->time_fields, "time,timestamp,ts", err);
}

static enum status add_time_field(struct time_fields *fields, struct slice name, struct error *err)
{
    const int shown_len = name.len < NAME_BYTES_MAX ? (int)name.len : (int)NAME_BYTES_MAX;
    const char *shown = (const char *)name.data;
    if (name.len == 0)
        return error_set(err, STATUS_CONFIG, "time field: empty name");
    if (fields->count == TIME_FIELDS_MAX)
        return error_set(err, STATUS_CONFIG, "time field: more than %u names", TIME_FIELDS_MAX);
    for (size_t i = 0; i < fields->count; i++) {
        if (slice_equal(fields->names[i], name))
            return error_set(err, STATUS_CONFIG, "time field: '%.*s' twice", shown_len, shown);
    }
    fields->names[fields->count++] = name;
    return STATUS_OK;
}

enum status time_fields_parse(struct time_fields *fields, const char *text, struct error *err)
{
    *fields = (struct time_fields){0};
    if (strcmp(text, "none") == 0)
        return STATUS_OK;
    for (;;) {
        const char *comma = strchr(text, ',');
        const size_t len = comma ? (size_t)(comma - text) : strlen(text);
        TRY(add_time_field(fields, slice_of(text, len), err));
        if (!comma)
            return STATUS_OK;
        text = comma + 1;
    }
}

static struct digit_places find_digits(unsigned whole, unsigned used)
{
    const bool has_point = used > whole;
    const unsigned count = used - has_point;
    struct digit_places digits = {.decimals = count - whole};
    if (whole == 0 || used < whole || used == whole + 1)
        return (struct digit_places){0};
    for (unsigned digit = 0; digit < 8; digit++) {
        const unsigned leading = 8 - count;
        const unsigned from = digit - leading;
        const uint64_t place = digit < leading ? 0x80 : from < whole ? from : from + 1;
        digits.places |= place << 8 * digit;
    }
    return digits;
}

enum status decoder_init(struct decoder *decoder, const struct decoder_config *config,
                         struct error *err)
{
    *decoder = (struct decoder){.config = config};
    for (unsigned whole = 0; whole < DIGIT_PLACES_WHOLE; whole++) {
        for (unsigned used = 0; used < 8; used++)
            decoder->digit_places[whole][used] = find_digits(whole, used);
    }
    decoder->digest = EVP_MD_CTX_new();
    if (!decoder->digest)
        return error_set(err, STATUS_NOMEM, "decoder: no memory");
    return STATUS_OK;
}

void decoder_release(struct decoder *decoder)
{
    buffer_release(&decoder->body);
    buffer_release(&decoder->payload);
    buffer_release(&decoder->masked);
    buffer_release(&decoder->masked_payload);
    arena_release(&decoder->arena);
    EVP_MD_CTX_free(decoder->digest);
    mem_free(decoder->cell_serials);
    mem_free(decoder->cell_indexes);
    *decoder = (struct decoder){0};
}

/* An empty slice may have no address; arithmetic on what comes from here needs one. */
static struct slice with_address(struct slice body)
{
    return body.len > 0 ? body : slice_of_text("");
}

/* --- rejects ------------------------------------------------------------------------------- */

static enum status digest_body(struct decoder *decoder, struct slice body,
                               uint8_t digest[BODY_DIGEST_BYTES])
{
    const bool done = EVP_DigestInit_ex(decoder->digest, EVP_sha256(), NULL) == 1 &&
                      EVP_DigestUpdate(decoder->digest, body.data, body.len) == 1 &&
                      EVP_DigestFinal_ex(decoder->digest, digest, NULL) == 1;
    return done ? STATUS_OK : STATUS_NOMEM;
}

static enum status add_reject(struct draft *draft, struct slice body, int64_t received_ms)
{
    struct reject reject = {
        .detail = slice_of_text(draft->detail),
        .received_ms = received_ms,
        .reason = (uint8_t)draft->reason,
    };
    TRY(digest_body(draft->decoder, body, reject.digest));
    TRY(mask_body(draft->decoder, body, &reject.body, &reject.altered));
    return row_batch_add_reject(draft->batch, draft->has_id ? &draft->envelope.message_id : NULL,
                                &reject);
}

static enum status add_long_reject(struct decoder *decoder, const struct long_body *body,
                                   int64_t received_ms, struct row_batch *batch)
{
    char detail[DETAIL_BYTES_MAX];
    snprintf(detail, sizeof detail, "%llu", (unsigned long long)body->total_len);
    struct reject reject = {
        .detail = slice_of_text(detail),
        .received_ms = received_ms,
        .reason = REJECT_TOO_LONG,
        .altered = true,
    };
    memcpy(reject.digest, body->digest, sizeof reject.digest);
    bool masked = false;
    arena_reset(&decoder->arena);
    TRY(mask_unread(decoder, body->first, body->holds_secret_word, &reject.body, &masked));
    return row_batch_add_reject(batch, NULL, &reject);
}

static enum status report(enum status status, struct error *err)
{
    return status == STATUS_OK ? status : error_set(err, status, "decoding a message: no memory");
}

enum status decoder_reject_too_long(struct decoder *decoder, const struct long_body *body,
                                    int64_t received_ms, struct row_batch *batch, struct error *err)
{
    assert(body->first.len <= BODY_BYTES_MAX);
    return report(add_long_reject(decoder, body, received_ms, batch), err);
}

static enum status reject_whole_long_body(struct decoder *decoder, struct slice body,
                                          int64_t received_ms, struct row_batch *batch)
{
    uint8_t digest[BODY_DIGEST_BYTES];
    TRY(digest_body(decoder, body, digest));
    arena_reset(&decoder->arena);
    struct slice kept = {0};
    bool holds_secret = false;
    TRY(mask_unread(decoder, body, false, &kept, &holds_secret));
    const struct long_body cut = {
        .first = slice_of(body.data, BODY_BYTES_MAX),
        .total_len = body.len,
        .digest = digest,
        .holds_secret_word = holds_secret,
    };
    return add_long_reject(decoder, &cut, received_ms, batch);
}

enum status decoder_mask_body(struct decoder *decoder, struct slice body, struct slice *kept,
                              bool *masked, struct error *err)
{
    arena_reset(&decoder->arena);
    const enum status status = body.len > BODY_BYTES_MAX
                                   ? mask_unread(decoder, body, false, kept, masked)
                                   : mask_body(decoder, with_address(body), kept, masked);
    return report(status, err);
}

/* --- the general path ---------------------------------------------------------------------- */

/* The JSON inside a layer. A layer that is none refuses the message; `*root` is then NULL. */
static enum status open_layer(struct draft *draft, struct slice outer, struct buffer *room,
                              enum reject_reason not_json, const struct json_node **root)
{
    *root = NULL;
    buffer_clear(room);
    TRY(buffer_reserve(room, base64_room(outer.len)));
    struct slice text = {0};
    bool was_base64 = false;
    if (!layer_decode(outer, room->data, &text, &was_base64)) {
        draft_refuse(draft, REJECT_BAD_BASE64, "%s",
                     not_json == REJECT_BAD_JSON ? "the body" : "the payload");
        return STATUS_OK;
    }
    struct json_document document = {0};
    TRY(json_parse(text, &draft->decoder->arena, &document));
    if (!document.root)
        draft_refuse(draft, not_json, "no JSON from byte %zu on", document.error_offset);
    else if (document.root->type != JSON_OBJECT)
        draft_refuse(draft, not_json, "no JSON object");
    else
        *root = document.root;
    return STATUS_OK;
}

static enum status open_payload(struct draft *draft, const struct json_node **root)
{
    *root = NULL;
    if (draft->payload && draft->payload->type == JSON_STRING)
        return open_layer(draft, draft->payload->text, &draft->decoder->payload,
                          REJECT_PAYLOAD_NOT_JSON, root);
    draft_refuse(draft, REJECT_PAYLOAD_NOT_JSON, "%s",
                 draft->payload ? "no string" : "the envelope has no payload");
    return STATUS_OK;
}

/* Rows, or a refusal in the draft. */
static enum status decode_general(struct draft *draft, struct slice body)
{
    const struct json_node *root = NULL;
    const struct json_node *payload = NULL;
    arena_reset(&draft->decoder->arena);
    TRY(open_layer(draft, body, &draft->decoder->body, REJECT_BAD_JSON, &root));
    if (!root || !draft_read_envelope(draft, root))
        return STATUS_OK;
    TRY(open_payload(draft, &payload));
    if (!payload || !draft_find_device(draft, payload))
        return STATUS_OK;
    return draft->is_status ? draft_add_status(draft, payload) : draft_add_readings(draft, payload);
}

static enum status decode_body(struct decoder *decoder, struct slice body, int64_t received_ms,
                               struct row_batch *batch)
{
    if (body.len > BODY_BYTES_MAX)
        return reject_whole_long_body(decoder, body, received_ms, batch);
    bool taken = false;
    if (!decoder->general_only)
        TRY(fast_decode(decoder, body, batch, &taken));
    if (taken)
        return STATUS_OK;
    decoder->general_count++;
    struct draft draft = {.decoder = decoder, .batch = batch};
    const struct row_batch_mark mark = row_batch_mark(batch);
    TRY(decode_general(&draft, body));
    if (!draft.refused)
        return STATUS_OK;
    row_batch_rewind(batch, mark);
    return add_reject(&draft, body, received_ms);
}

/* An empty batch gets room for as much as the one before took in the end. */
static enum status prepare_batch(const struct decoder *decoder, struct row_batch *batch)
{
    return batch->message_count == 0 ? row_batch_reserve(batch, decoder->batch_size) : STATUS_OK;
}

enum status decoder_decode(struct decoder *decoder, struct slice body, int64_t received_ms,
                           struct row_batch *batch, struct error *err)
{
    const struct row_batch_mark mark = row_batch_mark(batch);
    enum status status = prepare_batch(decoder, batch);
    if (status == STATUS_OK)
        status = decode_body(decoder, with_address(body), received_ms, batch);
    if (status != STATUS_OK)
        row_batch_rewind(batch, mark);
    decoder->batch_size = row_batch_size(batch);
    return report(status, err);
}

enum status decoder_take_lines(struct decoder *decoder, struct slice lines, struct row_batch *batch,
                               size_t *taken_len, struct error *err)
{
    *taken_len = 0;
    if (decoder->general_only)
        return STATUS_OK;
    enum status status = prepare_batch(decoder, batch);
    if (status == STATUS_OK)
        status = fast_take_lines(decoder, lines, batch, taken_len);
    decoder->batch_size = row_batch_size(batch);
    return report(status, err);
}
