/*
 * engine.h - the engine as a library: everything a program needs to write to a
 * store and to read from it.
 *
 *      row.h        batches of decoded messages          (what comes in)
 *      store.h      open, commit, maintain               (the one writer)
 *      snapshot.h   consistent views, scans, verify      (many readers)
 *      number.h     exact decimals and sums              (what readings are)
 *      civil.h      wall-clock times and zones
 *
 * Link with `pkg-config --cflags --libs mnsdb-engine`.
 */
#ifndef MNSDB_ENGINE_ENGINE_H
#define MNSDB_ENGINE_ENGINE_H

#include "engine/base/error.h"
#include "engine/civil/civil.h"
#include "engine/number/number.h"
#include "engine/row/row.h"
#include "engine/snapshot/snapshot.h"
#include "engine/store/store.h"

#endif
