/*
 * excess.c - see excess.h.
 */
#include "ingest/source/excess.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

static enum status digest_failed(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "cannot compute the digest of a long body");
}

enum status excess_begin(struct excess_scan *scan, struct error *err)
{
    if (!scan->digest)
        scan->digest = EVP_MD_CTX_new();
    if (!scan->digest || EVP_DigestInit_ex(scan->digest, EVP_sha256(), NULL) != 1)
        return digest_failed(err);
    scan->total_len = 0;
    scan->holds_secret_word = false;
    scan->tail_len = 0;
    return STATUS_OK;
}

static bool holds_word(const uint8_t *bytes, size_t len)
{
    return memmem(bytes, len, SECRET_WORD, SECRET_WORD_BYTES) != NULL;
}

/* The word across the border: in the old tail and the first bytes of the piece. */
static bool border_holds_word(const struct excess_scan *scan, struct slice piece)
{
    uint8_t border[2 * (SECRET_WORD_BYTES - 1)];
    const size_t head_len = piece.len < sizeof scan->tail ? piece.len : sizeof scan->tail;
    memcpy(border, scan->tail, scan->tail_len);
    memcpy(border + scan->tail_len, piece.data, head_len);
    return holds_word(border, scan->tail_len + head_len);
}

/* Keeps the last bytes of everything seen so far. */
static void keep_tail(struct excess_scan *scan, struct slice piece)
{
    const size_t room = sizeof scan->tail;
    const size_t fresh_len = piece.len < room ? piece.len : room;
    const size_t kept_len = scan->tail_len < room - fresh_len ? scan->tail_len : room - fresh_len;
    memmove(scan->tail, scan->tail + scan->tail_len - kept_len, kept_len);
    memcpy(scan->tail + kept_len, piece.data + piece.len - fresh_len, fresh_len);
    scan->tail_len = kept_len + fresh_len;
}

enum status excess_add(struct excess_scan *scan, struct slice piece, struct error *err)
{
    if (piece.len == 0)
        return STATUS_OK;
    if (EVP_DigestUpdate(scan->digest, piece.data, piece.len) != 1)
        return digest_failed(err);
    scan->total_len += piece.len;
    if (!scan->holds_secret_word)
        scan->holds_secret_word =
            border_holds_word(scan, piece) || holds_word(piece.data, piece.len);
    keep_tail(scan, piece);
    return STATUS_OK;
}

enum status excess_add_line(struct excess_scan *scan, struct slice piece, bool *held_cr,
                            struct error *err)
{
    static const uint8_t cr = '\r';
    if (piece.len == 0)
        return STATUS_OK;
    if (*held_cr)
        TRY(excess_add(scan, slice_of(&cr, 1), err));
    *held_cr = piece.data[piece.len - 1] == cr;
    return excess_add(scan, slice_of(piece.data, piece.len - (*held_cr ? 1 : 0)), err);
}

enum status excess_end(struct excess_scan *scan, struct body_excess *excess, struct error *err)
{
    unsigned digest_len = 0;
    *excess = (struct body_excess){
        .total_len = scan->total_len,
        .holds_secret_word = scan->holds_secret_word,
    };
    if (EVP_DigestFinal_ex(scan->digest, excess->digest, &digest_len) != 1)
        return digest_failed(err);
    assert(digest_len == SOURCE_DIGEST_BYTES);
    return STATUS_OK;
}

void excess_release(struct excess_scan *scan)
{
    EVP_MD_CTX_free(scan->digest);
    *scan = (struct excess_scan){0};
}
