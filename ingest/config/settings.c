/*
 * settings.c - see settings.h.
 */
#include "ingest/config/settings.h"

#include "engine/base/mem.h"
#include "ingest/config/config_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAYLOAD_TZ         "payload-tz"
#define PAYLOAD_TZ_DEFAULT "+08:00"
#define TIME_FIELD         "time-field"
#define TIME_FIELD_DEFAULT "time,timestamp,ts"

/* One text for all spellings of a fixed offset; named zones are their name. */
static void zone_canonical(const struct civil_zone *zone, char text[CIVIL_ZONE_NAME_BYTES])
{
    if (zone->named) {
        memcpy(text, zone->name, CIVIL_ZONE_NAME_BYTES);
        return;
    }
    const int minutes = abs(zone->offset_s) / 60;
    (void)snprintf(text, CIVIL_ZONE_NAME_BYTES, "%c%02d:%02d", zone->offset_s < 0 ? '-' : '+',
                   minutes / 60, minutes % 60);
}

enum status settings_read(struct settings *settings, const struct ingest_options *options,
                          struct error *err)
{
    settings->payload_tz_given = options->payload_tz != NULL;
    settings->time_field_given = options->time_field != NULL;
    const char *zone_text = options->payload_tz ? options->payload_tz : PAYLOAD_TZ_DEFAULT;
    const char *fields_text = options->time_field ? options->time_field : TIME_FIELD_DEFAULT;

    struct civil_zone zone;
    struct time_fields fields;
    if (civil_zone_open(&zone, zone_text, err) != STATUS_OK)
        return config_blame(options->config, SETTING_PAYLOAD_TZ, 0, err);
    zone_canonical(&zone, settings->payload_tz);
    if (time_fields_parse(&fields, fields_text, err) != STATUS_OK)
        return config_blame(options->config, SETTING_TIME_FIELD, 0, err);
    const size_t bytes = strlen(fields_text) + 1;
    settings->time_field = mem_alloc(bytes, 1);
    if (!settings->time_field)
        return error_set(err, STATUS_NOMEM, "no memory for --" TIME_FIELD);
    memcpy(settings->time_field, fields_text, bytes);
    return STATUS_OK;
}

void settings_release(struct settings *settings)
{
    mem_free(settings->time_field);
    *settings = (struct settings){0};
}

static enum status apply_one(struct store *store, const char *name, const char *wanted, bool given,
                             const char **kept, struct error *err)
{
    TRY(store_setting(store, name, NULL, kept, err));
    if (!*kept)
        return store_setting(store, name, wanted, kept, err);
    if (!given || strcmp(*kept, wanted) == 0)
        return STATUS_OK;
    return error_set(err, STATUS_CONFIG,
                     "this store was made with --%s %s, which cannot be changed to %s: leave the "
                     "option out, or use another store",
                     name, *kept, wanted);
}

enum status settings_apply(const struct settings *settings, struct store *store,
                           struct decoder_config *config, struct error *err)
{
    const char *zone_text = NULL;
    const char *fields_text = NULL;
    TRY(apply_one(store, PAYLOAD_TZ, settings->payload_tz, settings->payload_tz_given, &zone_text,
                  err));
    TRY(apply_one(store, TIME_FIELD, settings->time_field, settings->time_field_given, &fields_text,
                  err));
    TRY(civil_zone_open(&config->payload_zone, zone_text, err));
    return time_fields_parse(&config->time_fields, fields_text, err);
}
