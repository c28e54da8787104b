/*
 * peer_reply.c - see peer_reply.h.
 */
#include "bench/bench/peer_reply.h"

#include "bench/bench/json_fields.h"

#include <string.h>

#define SECONDS_MOST 1e7 /* four months */

enum status peer_reply_parse(struct slice line, struct arena *arena, const struct json_node **reply,
                             struct error *err)
{
    *reply = NULL;
    struct json_document document;
    if (json_parse(line, arena, &document) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a driver's reply");
    if (!document.root || document.root->type != JSON_OBJECT)
        return error_set(err, STATUS_INPUT, "the driver's reply is no JSON object");
    const struct json_node *failure = json_member(document.root, "error");
    if (failure) {
        char why[PEER_TEXT_BYTES];
        if (!json_text(failure, why, sizeof why) || why[0] == '\0')
            return error_set(err, STATUS_INPUT, "the driver failed and does not say why");
        return error_set(err, STATUS_INPUT, "%s", why);
    }
    *reply = document.root;
    return STATUS_OK;
}

static enum status wrong_member(const char *name, struct error *err)
{
    return error_set(err, STATUS_INPUT, "the driver's reply has no proper \"%s\"", name);
}

static enum status read_amount(const struct json_node *reply, const char *name, double most,
                               double *amount, struct error *err)
{
    if (!json_real(json_member(reply, name), amount) || !(*amount >= 0) || *amount > most)
        return wrong_member(name, err);
    return STATUS_OK;
}

static enum status read_count(const struct json_node *reply, const char *name, uint64_t *count,
                              struct error *err)
{
    if (!json_count(json_member(reply, name), count))
        return wrong_member(name, err);
    return STATUS_OK;
}

enum status peer_description_read(const struct json_node *reply,
                                  struct peer_description *description, struct error *err)
{
    *description = (struct peer_description){0};
    struct peer_description *d = description;
    if (!json_text(json_member(reply, "name"), d->name, sizeof d->name) || d->name[0] == '\0')
        return wrong_member("name", err);
    if (!json_bool(json_member(reply, "available"), &d->available))
        return wrong_member("available", err);
    const struct {
        const char *name;
        char *text;
    } texts[] = {
        {"form", d->form},   {"version", d->version}, {"durability", d->durability},
        {"input", d->input}, {"notes", d->notes},     {"why", d->why},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct json_node *member = json_member(reply, texts[i].name);
        if (!json_text(member, texts[i].text, PEER_TEXT_BYTES) && member &&
            member->type != JSON_NULL)
            return wrong_member(texts[i].name, err);
    }
    if (!json_bool(json_member(reply, "ids"), &d->ids) && d->available)
        return wrong_member("ids", err);
    return STATUS_OK;
}

enum status peer_compact_read(const struct json_node *reply, struct peer_load *load,
                              struct error *err)
{
    *load = (struct peer_load){0};
    TRY(read_amount(reply, "seconds", SECONDS_MOST, &load->seconds, err));
    return read_count(reply, "bytes", &load->bytes, err);
}

enum status peer_load_read(const struct json_node *reply, struct peer_load *load, struct error *err)
{
    TRY(peer_compact_read(reply, load, err));
    TRY(read_count(reply, "messages", &load->messages, err));
    if (load->seconds == 0)
        return error_set(err, STATUS_INPUT, "the driver took no time to load");
    return STATUS_OK;
}

static bool has_children(const struct json_node *node, uint64_t count)
{
    uint64_t found = 0;
    for (const struct json_node *child = node->first; child && found <= count; child = child->next)
        found++;
    return found == count;
}

enum status peer_answer_read(const struct json_node *reply, struct peer_answer *answer,
                             struct error *err)
{
    *answer = (struct peer_answer){0};
    const struct json_node *unsupported = json_member(reply, "unsupported");
    if (unsupported) {
        answer->unsupported = true;
        return json_text(unsupported, answer->remark, sizeof answer->remark)
                   ? STATUS_OK
                   : wrong_member("unsupported", err);
    }
    const struct json_node *differs = json_member(reply, "differs");
    answer->differs = differs != NULL;
    if (differs && !json_text(differs, answer->remark, sizeof answer->remark))
        return wrong_member("differs", err);
    TRY(read_amount(reply, "ms", SECONDS_MOST * 1e3, &answer->ms, err));
    TRY(read_count(reply, "rows", &answer->rows, err));
    answer->answer = json_member(reply, "answer");
    if (answer->answer &&
        (answer->answer->type != JSON_ARRAY || !has_children(answer->answer, answer->rows)))
        return wrong_member("answer", err);
    return STATUS_OK;
}
