/*
 * retry.h - kept bodies of rejected messages, put through the rules again.
 *
 * Rules grow; a body that was refused once may be understood today. Bodies that were cut or
 * masked are not what was sent, and stay as they are.
 */
#ifndef MNSDB_INGEST_RETRY_H
#define MNSDB_INGEST_RETRY_H

#include "engine/store/store.h"
#include "ingest/config/settings.h"

/*
 * Retries all rejects of the store in `dir`, in transactions of bounded size. Adds to `total` what
 * became of them: those that stay count as rejected. A signal ends it between two.
 */
MUST_CHECK enum status retry_rejects(const char *dir, const struct settings *settings,
                                     struct commit_result *total, struct error *err);

#endif
