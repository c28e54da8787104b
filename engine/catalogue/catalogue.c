/*
 * catalogue.c - coding of the catalogue; the format stands in catalogue.h.
 */
#include "engine/catalogue/catalogue.h"

#include <stdio.h>

static const uint8_t magic[8] = "mnsdb";

#define PREAMBLE_BYTES (sizeof magic + sizeof(uint32_t))

static enum status put_catalogue(const struct catalogue *catalogue, struct buffer *out)
{
    TRY(buffer_reserve(out, PREAMBLE_BYTES + sizeof(uint32_t) + STORE_STATE_BYTES +
                                SETTINGS_MAX * sizeof(struct setting)));
    buffer_put_bytes(out, magic, sizeof magic);
    buffer_put_u32(out, STORE_FORMAT_VERSION);
    buffer_put_u32(out, catalogue->setting_count);
    for (uint32_t i = 0; i < catalogue->setting_count; i++) {
        const struct slice name = slice_of_text(catalogue->settings[i].name);
        const struct slice value = slice_of_text(catalogue->settings[i].value);
        buffer_put_u8(out, (uint8_t)name.len);
        buffer_put_bytes(out, name.data, name.len);
        buffer_put_u16(out, (uint16_t)value.len);
        buffer_put_bytes(out, value.data, value.len);
    }
    store_state_put(&catalogue->state, out);
    return STATUS_OK;
}

enum status catalogue_save(const struct catalogue *catalogue, struct kv_txn *txn, struct error *err)
{
    OWNED(buffer_release) struct buffer bytes = {0};
    if (put_catalogue(catalogue, &bytes) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for the catalogue");
    const struct key key = key_of(KEY_CATALOGUE);
    return kv_put(txn, key_slice(&key), buffer_slice(&bytes), err);
}

static bool copy_text(char *to, size_t capacity, struct slice from)
{
    if (from.len >= capacity || memchr(from.data, '\0', from.len))
        return false;
    memcpy(to, from.data, from.len);
    to[from.len] = '\0';
    return true;
}

static enum status read_settings(struct catalogue *catalogue, struct cursor *cursor,
                                 struct error *err)
{
    const uint32_t count = cursor_u32(cursor);
    bool sound = count <= SETTINGS_MAX;
    for (uint32_t i = 0; sound && i < count; i++) {
        struct setting *setting = &catalogue->settings[i];
        const struct slice name = cursor_bytes(cursor, cursor_u8(cursor));
        const struct slice value = cursor_bytes(cursor, cursor_u16(cursor));
        sound = !cursor->failed && copy_text(setting->name, sizeof setting->name, name) &&
                copy_text(setting->value, sizeof setting->value, value);
    }
    if (!sound)
        return error_set(err, STATUS_CORRUPT, "the catalogue's settings are broken");
    catalogue->setting_count = count;
    return STATUS_OK;
}

/*
 * The version is looked at before the checksum: a newer format may have changed
 * everything but the preamble.
 */
static enum status check_version(struct slice value, uint32_t *read_version, struct error *err)
{
    if (value.len < KV_CHECKSUM_BYTES + PREAMBLE_BYTES)
        return error_set(err, STATUS_CORRUPT, "the catalogue is cut short");
    const uint8_t *preamble = value.data + KV_CHECKSUM_BYTES;
    if (memcmp(preamble, magic, sizeof magic) != 0)
        return error_set(err, STATUS_CORRUPT,
                         "this is no mnsdb store, or its catalogue is damaged");
    const uint32_t version = load_u32(preamble + sizeof magic);
    if (version > STORE_FORMAT_VERSION)
        return error_set(err, STATUS_VERSION,
                         "the store has format version %u, this program knows up to %u: use a "
                         "newer mnsdb",
                         version, STORE_FORMAT_VERSION);
    *read_version = version;
    return STATUS_OK;
}

/* A database without a catalogue is a new store only if nothing else is in it either. */
static enum status check_empty(struct kv_txn *txn, struct error *err)
{
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    TRY(kv_cursor_open(txn, &cursor, err));
    const uint8_t lowest = 0;
    const struct slice any = {0};
    struct kv_entry entry = {0};
    TRY(kv_seek_ceiling(cursor, slice_of(&lowest, sizeof lowest), any, &entry, err));
    if (entry.found)
        return error_set(err, STATUS_CORRUPT,
                         "the catalogue is gone: the store is damaged, restore it from a backup");
    return STATUS_OK;
}

enum status catalogue_load(struct catalogue *catalogue, struct kv_txn *txn, bool *found,
                           struct error *err)
{
    const struct key key = key_of(KEY_CATALOGUE);
    struct slice value = {0};
    TRY(kv_get_raw(txn, key_slice(&key), &value, found, err));
    if (!*found)
        return check_empty(txn, err);
    TRY(check_version(value, &catalogue->version, err));
    struct slice payload = {0};
    TRY(kv_get(txn, key_slice(&key), &payload, found, err));
    struct cursor cursor = cursor_of(payload);
    cursor_bytes(&cursor, PREAMBLE_BYTES);
    TRY(read_settings(catalogue, &cursor, err));
    TRY(store_state_read(&cursor, &catalogue->state, err));
    if (!cursor_finished(&cursor))
        return error_set(err, STATUS_CORRUPT, "the catalogue has bytes behind its end");
    return STATUS_OK;
}

const char *catalogue_setting(const struct catalogue *catalogue, const char *name)
{
    for (uint32_t i = 0; i < catalogue->setting_count; i++) {
        if (strcmp(catalogue->settings[i].name, name) == 0)
            return catalogue->settings[i].value;
    }
    return NULL;
}

enum status catalogue_add_setting(struct catalogue *catalogue, const char *name, const char *value,
                                  struct error *err)
{
    if (catalogue->setting_count == SETTINGS_MAX)
        return error_set(err, STATUS_INPUT, "setting %s: the store holds %u settings already", name,
                         SETTINGS_MAX);
    struct setting *setting = &catalogue->settings[catalogue->setting_count];
    if (!copy_text(setting->name, sizeof setting->name, slice_of_text(name)) ||
        !copy_text(setting->value, sizeof setting->value, slice_of_text(value)))
        return error_set(err, STATUS_INPUT, "setting %s: its value is longer than %u bytes", name,
                         SETTING_VALUE_BYTES - 1);
    catalogue->setting_count++;
    return STATUS_OK;
}
