"""The slow, obvious oracle: what mnsdb has to answer, computed the plain way.

It shares nothing with the engine: Python, unlimited integers, fractions, zoneinfo.

    decode    one message body -> rows, an event, or a reason why not
    store     deliveries in order -> what is stored, seen, rejected; counters
    timeline  the status events of one device -> sessions and states
    clock     time zones, buckets, times as text
    stats     aggregates over rows
    answers   what each command prints, as rows of typed cells
    gaps      how complete readings are
    findings  what looks wrong, rule by rule
"""
