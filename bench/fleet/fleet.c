/*
 * fleet.c - the simulation; its course stands in fleet.h.
 *
 * The schedule is a wheel with a slot per millisecond of one interval and its
 * jitter: a slot holds the devices that tick in it, as a list through the
 * devices' array. Taking the next device and putting it back are O(1). A bit a slot says
 * whether it holds any: time without devices is passed over 64 ms at a look.
 *
 * A disconnect by timeout is noticed late: the platform's `offline` bears the time of
 * the notice, with the last contact before it. A device that came back in the
 * meantime makes it a stale one.
 */
#include "bench/fleet/fleet.h"

#include "bench/fleet/delivery.h"
#include "bench/fleet/hostile.h"
#include "bench/fleet/message.h"
#include "bench/fleet/random.h"
#include "engine/base/mem.h"
#include "engine/civil/civil.h"

#include <stdio.h>

#define SNOWFLAKE_EPOCH_MS  INT64_C(1288834974657)
#define SEQUENCE_MAX        0xfffu /* of a worker in one millisecond */
#define TIMEOUT_NOTICE_MS   90000  /* one and a half keep-alives of a minute */
#define NO_DEVICE           UINT32_MAX
#define WORD_BITS           64u
#define BEIJING_OFFSET_MS   (8 * MS_PER_HOUR)
#define STATUS_CLOCK_LAG_MS 14 /* the first contact of a connection is a little before its time */

struct device {
    uint32_t next_in_slot;
    bool online;
    bool known;          /* its first status was sent */
    int32_t temperature; /* mantissas of the random walks */
    int32_t humidity;
    int64_t nominal_ms; /* of the next tick, without jitter */
    int64_t change_ms;  /* when it changes between online and offline */
    int64_t contact_ms; /* its last message */
    int64_t notice_ms;  /* when a timeout is noticed; 0: none is pending */
    int64_t lost_contact_ms;
};

/* Ids of one millisecond and worker count up from zero. */
struct worker {
    int64_t ms;
    uint32_t sequence;
    uint32_t number;
};

struct fleet {
    const struct fleet_config *config;
    struct fleet_totals *totals;
    struct random_stream random;
    struct delivery delivery;
    struct device *devices; /* owned */
    uint32_t *slots;        /* owned; first device of each millisecond */
    size_t slot_count;
    uint64_t *occupied;     /* owned; a bit a slot: it has a device */
    struct worker *workers; /* owned */
    uint32_t thing_model_threshold;
    uint32_t hostile_threshold;
    uint32_t timeout_threshold;
    struct buffer payload, topic, envelope, line; /* scratch */
    int64_t now_ms;
};

struct fleet_config fleet_config_default(void)
{
    return (struct fleet_config){
        .seed = 1,
        .start_ms = INT64_C(1704067200000), /* 2024-01-01 */
        .devices = 1000,
        .products = 1,
        .interval_ms = 10 * MS_PER_SECOND,
        .jitter_ms = 500,
        .duplicate_share = 0.02,
        .late_share = 0.05,
        .late_ms = 30 * MS_PER_SECOND,
        .online_mean_ms = 6 * MS_PER_HOUR,
        .offline_mean_ms = 10 * MS_PER_MINUTE,
        .timeout_share = 0.3,
        .temperature_decimals = 2,
        .humidity_decimals = 1,
        .workers = 4,
    };
}

static int32_t power(uint32_t decimals)
{
    int32_t result = 1;
    for (uint32_t i = 0; i < decimals; i++)
        result *= 10;
    return result;
}

/*
 * Ids of a worker only grow: its clock stands still rather than going back (a timeout is noticed
 * after its time), and moves on when a millisecond has no number left.
 */
static uint64_t next_id(struct fleet *fleet, int64_t ms)
{
    struct worker *worker = &fleet->workers[random_below(&fleet->random, fleet->config->workers)];
    if (ms > worker->ms) {
        worker->ms = ms;
        worker->sequence = 0;
    } else if (++worker->sequence > SEQUENCE_MAX) {
        worker->ms++;
        worker->sequence = 0;
    }
    return (uint64_t)(worker->ms - SNOWFLAKE_EPOCH_MS) << 22 | (uint64_t)worker->number << 12 |
           worker->sequence;
}

static void put_device(const struct fleet *fleet, struct buffer *out, uint32_t device)
{
    char name[32];
    snprintf(name, sizeof name, "device-%06u", device + 1);
    (void)fleet;
    put_text(out, name);
}

static void put_product(const struct fleet *fleet, struct buffer *out, uint32_t device)
{
    char name[32];
    snprintf(name, sizeof name, "a1Fleet%04u", device % fleet->config->products + 1);
    put_text(out, name);
}

/* Sends what `fleet->payload` holds, as a message of the device at a time. */
static enum status send_payload(struct fleet *fleet, const char *messagetype, int64_t ms,
                                struct error *err)
{
    const struct envelope envelope = {
        .payload = buffer_slice(&fleet->payload),
        .messagetype = messagetype,
        .topic = buffer_slice(&fleet->topic),
        .message_id = next_id(fleet, ms),
        .timestamp_s = ms / MS_PER_SECOND,
    };
    buffer_clear(&fleet->envelope);
    buffer_clear(&fleet->line);
    put_envelope(&fleet->envelope, &envelope);
    if (!fleet->config->base64_lines) {
        buffer_put_u8(&fleet->envelope, '\n');
        return delivery_send(&fleet->delivery, buffer_slice(&fleet->envelope), ms, err);
    }
    put_base64(&fleet->line, buffer_slice(&fleet->envelope));
    buffer_put_u8(&fleet->line, '\n');
    return delivery_send(&fleet->delivery, buffer_slice(&fleet->line), ms, err);
}

/* "2018-05-16 13:58:44.427": Beijing time without a zone, as the platform writes it. */
static void put_beijing_time(struct buffer *out, int64_t ms)
{
    static const struct civil_zone utc = {.name = "UTC"};
    char text[CIVIL_RFC3339_BYTES];
    civil_format_rfc3339(&utc, ms + BEIJING_OFFSET_MS, text);
    text[10] = ' ';
    text[23] = '\0'; /* without the zone */
    put_text(out, text);
}

static enum status send_status(struct fleet *fleet, uint32_t device, bool online, int64_t ms,
                               int64_t contact_ms, struct error *err)
{
    struct buffer *out = &fleet->payload;
    buffer_clear(out);
    buffer_clear(&fleet->topic);
    put_text(out, "{\"lastTime\":\"");
    put_beijing_time(out, contact_ms);
    put_text(out, "\",\"clientIp\":\"\",\"time\":\"");
    put_beijing_time(out, ms);
    put_text(out, "\",\"productKey\":\"");
    put_product(fleet, out, device);
    put_text(out, "\",\"deviceName\":\"");
    put_device(fleet, out, device);
    put_text(out, online ? "\",\"status\":\"online\"}" : "\",\"status\":\"offline\"}");
    fleet->totals->status_events++;
    return send_payload(fleet, "status", ms, err);
}

/* A step of a random walk that stays within its bounds. */
static void walk(struct fleet *fleet, int32_t *value, int32_t step, int32_t least, int32_t most)
{
    *value += (int32_t)random_below(&fleet->random, (uint32_t)(2 * step + 1)) - step;
    if (*value < least)
        *value = least;
    if (*value > most)
        *value = most;
}

static void put_custom_reading(struct buffer *out, const struct device *device,
                               uint32_t temperature_decimals, uint32_t humidity_decimals)
{
    put_text(out, "{\"temperature\":");
    put_decimal(out, device->temperature, temperature_decimals);
    put_text(out, ",\"humidity\":");
    put_decimal(out, device->humidity, humidity_decimals);
    buffer_put_u8(out, '}');
}

static void put_item(struct buffer *out, const char *name, int32_t value, uint32_t decimals,
                     int64_t ms)
{
    put_text(out, "\"");
    put_text(out, name);
    put_text(out, "\":{\"value\":");
    put_decimal(out, value, decimals);
    put_text(out, ",\"time\":");
    put_unsigned(out, (uint64_t)ms);
    buffer_put_u8(out, '}');
}

static void put_thing_model(struct fleet *fleet, uint32_t number, int64_t ms)
{
    const struct device *device = &fleet->devices[number];
    struct buffer *out = &fleet->payload;
    put_text(out, "{\"deviceType\":\"CustomCategory\",\"productKey\":\"");
    put_product(fleet, out, number);
    put_text(out, "\",\"deviceName\":\"");
    put_device(fleet, out, number);
    put_text(out, "\",\"gmtCreate\":");
    put_unsigned(out, (uint64_t)ms);
    put_text(out, ",\"items\":{");
    put_item(out, "temperature", device->temperature, fleet->config->temperature_decimals, ms - 40);
    buffer_put_u8(out, ',');
    put_item(out, "humidity", device->humidity, fleet->config->humidity_decimals, ms - 40);
    put_text(out, "}}");
}

static void put_topic(struct fleet *fleet, uint32_t device, const char *start, const char *end)
{
    buffer_clear(&fleet->topic);
    put_text(&fleet->topic, start);
    put_product(fleet, &fleet->topic, device);
    put_text(&fleet->topic, "/");
    put_device(fleet, &fleet->topic, device);
    put_text(&fleet->topic, end);
}

static enum status send_walkthrough_reading(struct fleet *fleet, uint32_t number, int64_t ms,
                                            struct error *err)
{
    struct device *device = &fleet->devices[number];
    device->temperature = (int32_t)random_below(&fleet->random, 20) + 10;
    device->humidity = (int32_t)random_below(&fleet->random, 100) + 20;
    put_topic(fleet, number, "", "/update");
    put_custom_reading(&fleet->payload, device, 0, 0);
    return send_payload(fleet, "upload", ms, err);
}

static enum status send_reading(struct fleet *fleet, uint32_t number, int64_t ms, struct error *err)
{
    const struct fleet_config *config = fleet->config;
    struct device *device = &fleet->devices[number];
    buffer_clear(&fleet->payload);
    fleet->totals->readings++;
    device->contact_ms = ms;
    if (config->profile == FLEET_WALKTHROUGH)
        return send_walkthrough_reading(fleet, number, ms, err);
    const int32_t celsius = power(config->temperature_decimals);
    const int32_t percent = power(config->humidity_decimals);
    walk(fleet, &device->temperature, celsius / 20 + 1, -20 * celsius, 45 * celsius);
    walk(fleet, &device->humidity, percent / 5 + 1, 0, 100 * percent);
    if (random_chance(&fleet->random, fleet->thing_model_threshold)) {
        put_topic(fleet, number, "/", "/thing/event/property/post");
        put_thing_model(fleet, number, ms);
    } else {
        put_topic(fleet, number, "/", "/user/update");
        put_custom_reading(&fleet->payload, device, config->temperature_decimals,
                           config->humidity_decimals);
    }
    return send_payload(fleet, "upload", ms, err);
}

static enum status send_hostile(struct fleet *fleet, int64_t ms, struct error *err)
{
    fleet->totals->hostile++;
    buffer_clear(&fleet->line);
    put_hostile(&fleet->line, &fleet->random, next_id(fleet, ms), ms / MS_PER_SECOND);
    buffer_put_u8(&fleet->line, '\n');
    return delivery_send(&fleet->delivery, buffer_slice(&fleet->line), ms, err);
}

/* Goes offline: told at once, or noticed later by timeout. */
static enum status disconnect(struct fleet *fleet, uint32_t number, int64_t ms, struct error *err)
{
    struct device *device = &fleet->devices[number];
    device->online = false;
    device->change_ms = ms + random_wait(&fleet->random, fleet->config->offline_mean_ms);
    if (!random_chance(&fleet->random, fleet->timeout_threshold))
        return send_status(fleet, number, false, ms, ms, err);
    device->notice_ms = ms + TIMEOUT_NOTICE_MS;
    device->lost_contact_ms = device->contact_ms;
    return STATUS_OK;
}

static enum status connect_again(struct fleet *fleet, uint32_t number, int64_t ms,
                                 struct error *err)
{
    struct device *device = &fleet->devices[number];
    device->online = true;
    device->known = true;
    device->contact_ms = ms;
    device->change_ms = ms + random_wait(&fleet->random, fleet->config->online_mean_ms);
    return send_status(fleet, number, true, ms, ms - STATUS_CLOCK_LAG_MS, err);
}

static enum status tick(struct fleet *fleet, uint32_t number, int64_t ms, struct error *err)
{
    struct device *device = &fleet->devices[number];
    if (device->notice_ms != 0 && device->notice_ms <= ms) {
        const int64_t notice_ms = device->notice_ms;
        device->notice_ms = 0;
        TRY(send_status(fleet, number, false, notice_ms, device->lost_contact_ms, err));
    }
    if (!device->known || (!device->online && device->change_ms <= ms))
        return connect_again(fleet, number, ms, err);
    if (device->online && device->change_ms <= ms)
        return disconnect(fleet, number, ms, err);
    if (random_chance(&fleet->random, fleet->hostile_threshold))
        TRY(send_hostile(fleet, ms, err));
    return device->online ? send_reading(fleet, number, ms, err) : STATUS_OK;
}

/* Puts the device into the slot of its next tick; never into one that has passed. */
static void schedule(struct fleet *fleet, uint32_t number)
{
    struct device *device = &fleet->devices[number];
    const int64_t jitter = fleet->config->jitter_ms;
    int64_t ms = device->nominal_ms + random_between(&fleet->random, -jitter, jitter);
    if (ms <= fleet->now_ms)
        ms = fleet->now_ms + 1;
    const uint64_t index = (uint64_t)ms % fleet->slot_count;
    device->next_in_slot = fleet->slots[index];
    fleet->slots[index] = number;
    fleet->occupied[index / WORD_BITS] |= UINT64_C(1) << index % WORD_BITS;
}

static enum status run_slot(struct fleet *fleet, struct error *err)
{
    const uint64_t index = (uint64_t)fleet->now_ms % fleet->slot_count;
    uint32_t *slot = &fleet->slots[index];
    while (*slot != NO_DEVICE) {
        const uint32_t number = *slot;
        *slot = fleet->devices[number].next_in_slot;
        TRY(tick(fleet, number, fleet->now_ms, err));
        fleet->devices[number].nominal_ms += fleet->config->interval_ms;
        schedule(fleet, number);
    }
    fleet->occupied[index / WORD_BITS] &= ~(UINT64_C(1) << index % WORD_BITS);
    return STATUS_OK;
}

/* The next millisecond in which a device ticks; some device always does within a turn. */
static int64_t next_tick_ms(const struct fleet *fleet)
{
    const int64_t first_ms = fleet->now_ms + 1;
    uint64_t slot = (uint64_t)first_ms % fleet->slot_count;
    int64_t passed_ms = 0;
    while ((size_t)passed_ms < fleet->slot_count) {
        const uint64_t word = fleet->occupied[slot / WORD_BITS] >> slot % WORD_BITS;
        if (word != 0)
            return first_ms + passed_ms + __builtin_ctzll(word);
        uint64_t next = (slot / WORD_BITS + 1) * WORD_BITS;
        if (next > fleet->slot_count)
            next = fleet->slot_count;
        passed_ms += (int64_t)(next - slot);
        slot = next == fleet->slot_count ? 0 : next;
    }
    return first_ms;
}

/* Who holds the simulation to a clock wants every millisecond of it. */
static int64_t next_ms(const struct fleet *fleet)
{
    const struct fleet_config *config = fleet->config;
    if (fleet->delivery.output->pace)
        return fleet->now_ms + 1;
    const int64_t tick_ms = next_tick_ms(fleet);
    const int64_t end_ms = config->start_ms + config->span_ms;
    return config->span_ms > 0 && tick_ms > end_ms ? end_ms : tick_ms;
}

static bool finished(const struct fleet *fleet)
{
    const struct fleet_config *config = fleet->config;
    if (fleet->delivery.stopped)
        return true;
    if (config->messages > 0 && fleet->totals->lines + fleet->delivery.held >= config->messages)
        return true;
    return config->span_ms > 0 && fleet->now_ms >= config->start_ms + config->span_ms;
}

static void place_devices(struct fleet *fleet)
{
    const struct fleet_config *config = fleet->config;
    const int32_t celsius = power(config->temperature_decimals);
    const int32_t percent = power(config->humidity_decimals);
    for (uint32_t i = 0; i < config->devices; i++) {
        struct device *device = &fleet->devices[i];
        device->temperature =
            15 * celsius + (int32_t)random_below(&fleet->random, (uint32_t)(15 * celsius));
        device->humidity =
            30 * percent + (int32_t)random_below(&fleet->random, (uint32_t)(40 * percent));
        device->nominal_ms =
            config->start_ms + random_between(&fleet->random, 0, config->interval_ms - 1);
        schedule(fleet, i);
    }
}

static enum status prepare(struct fleet *fleet, struct error *err)
{
    const struct fleet_config *config = fleet->config;
    fleet->slot_count = (size_t)(config->interval_ms + 2 * config->jitter_ms) + 2;
    fleet->devices = mem_alloc_zeroed(config->devices, sizeof *fleet->devices);
    fleet->slots = mem_alloc(fleet->slot_count, sizeof *fleet->slots);
    fleet->occupied = mem_alloc_zeroed(fleet->slot_count / WORD_BITS + 1, sizeof *fleet->occupied);
    fleet->workers = mem_alloc_zeroed(config->workers, sizeof *fleet->workers);
    struct buffer *scratch[] = {&fleet->payload, &fleet->topic, &fleet->envelope, &fleet->line};
    bool reserved = fleet->devices && fleet->slots && fleet->occupied && fleet->workers;
    for (size_t i = 0; i < sizeof scratch / sizeof scratch[0]; i++)
        reserved =
            reserved && buffer_reserve(scratch[i], (size_t)4 * MESSAGE_TEXT_MAX) == STATUS_OK;
    if (!reserved)
        return error_set(err, STATUS_NOMEM, "no memory for %u devices", config->devices);
    memset(fleet->slots, 0xff, fleet->slot_count * sizeof *fleet->slots);
    for (uint32_t i = 0; i < config->workers; i++)
        fleet->workers[i].number = (i * 37 + 5) % FLEET_WORKERS_MAX;
    fleet->now_ms = config->start_ms - 1;
    place_devices(fleet);
    return STATUS_OK;
}

static void fleet_release(struct fleet *fleet)
{
    delivery_release(&fleet->delivery);
    mem_free(fleet->devices);
    mem_free(fleet->slots);
    mem_free(fleet->occupied);
    mem_free(fleet->workers);
    buffer_release(&fleet->payload);
    buffer_release(&fleet->topic);
    buffer_release(&fleet->envelope);
    buffer_release(&fleet->line);
}

enum status fleet_run(const struct fleet_config *config, const struct fleet_output *output,
                      struct fleet_totals *totals, struct error *err)
{
    *totals = (struct fleet_totals){0};
    OWNED(fleet_release)
    struct fleet fleet = {
        .config = config,
        .totals = totals,
        .random = {.counter = config->seed},
        .thing_model_threshold = random_threshold(config->thing_model_share),
        .hostile_threshold = random_threshold(config->hostile_share),
        .timeout_threshold = random_threshold(config->timeout_share),
    };
    TRY(delivery_init(&fleet.delivery, config, output, totals, err));
    TRY(prepare(&fleet, err));
    while (!finished(&fleet)) {
        fleet.now_ms = next_ms(&fleet);
        TRY(delivery_pace(&fleet.delivery, fleet.now_ms, err));
        TRY(delivery_advance(&fleet.delivery, fleet.now_ms, err));
        TRY(run_slot(&fleet, err));
    }
    totals->last_ms = fleet.now_ms;
    return delivery_finish(&fleet.delivery, err);
}
