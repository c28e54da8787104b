/*
 * part_crew.c - blocks of one part, built by several threads.
 *
 *      rows      [ piece 0 ][ piece 1 ][ piece 2 ][ piece 3 ] ...   by device, whole blocks each
 *                     |          |          |
 *                  caller     helper     helper                     whoever is free takes the next
 *                     |          |          |
 *      stream    [ blocks ][  blocks  ][ blocks ] ...               the caller, in order
 *
 * (1) Where a block ends depends on the devices and the number of rows alone, as long as no row has
 *     so many cells that they could fill a block. From the first one that has, and from the last
 *     block on, which may not be full, the writer goes on alone.
 * (2) Only the caller touches writer and transaction. A piece belongs to whoever took it until it
 *     is `built`, then to the caller.
 * (3) All under the lock but the building itself. Helpers sleep while there is no piece to take.
 */
#include "engine/part/part_writer_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>

/* Fewer rows are built before a helper is up. */
#define SHARED_ROWS_MIN ((size_t)32 << 10)
/* A piece has at least so many rows, unless it ends the shared ones. */
#define PIECE_ROWS 8192u
/* A block has PART_BLOCK_ROWS_MIN rows, or follows one in the middle of its device that has. */
#define PIECE_BLOCKS_MAX (2u * (PIECE_ROWS / PART_BLOCK_ROWS_MIN) + 2u)
/* With no more cells a row than this, a block is full of rows before it is full of cells. */
#define ROW_CELLS_MAX (BLOCK_CELLS_MAX / BLOCK_ROWS_MAX)

static_assert(PART_BLOCK_ROWS_DENSE <= BLOCK_ROWS_MAX, "no block has more rows");

struct built_block {
    uint32_t row_count;
    size_t bytes_len;
    struct block_summary summary; /* its columns: in the piece's, from first_column on */
    size_t first_column;
};

/* Neighbouring blocks, and what becomes of them. */
struct piece {
    const struct block_row *rows;
    size_t rows_ahead; /* rows from there on that may be looked at */
    struct built_block blocks[PIECE_BLOCKS_MAX];
    uint32_t block_count;
    struct buffer stream;           /* of all blocks */
    struct column_summary *columns; /* owned */
    size_t column_count, column_capacity;
    enum status status;
    bool built;
};

struct part_crew {
    pthread_mutex_t lock;
    pthread_cond_t work;   /* there is a piece to take, or the end */
    pthread_cond_t built;  /* a piece was built */
    pthread_t *helpers;    /* owned */
    unsigned helper_count; /* that run */
    bool ended;
    struct block_builder *builder; /* the caller's; owned */

    /* The rows at hand. */
    const struct block_row *rows;
    size_t count;
    size_t next; /* the first row that nobody took */
    uint32_t rows_max;
    bool all_taken;
    struct piece *pieces; /* owned; in order of rows */
    size_t piece_capacity;
    size_t taken;
};

/* --- taking a piece ------------------------------------------------------------------------ */

/* True if no row could fill a block by its cells. */
static bool rows_are_narrow(const struct block_row *rows, uint32_t count)
{
    uint32_t widest = 0;
    for (uint32_t i = 0; i < count; i++)
        widest |=
            !block_row_is_brief(&rows[i]) && rows[i].form >> BLOCK_ROW_CELLS_SHIFT > ROW_CELLS_MAX;
    return widest == 0;
}

/* The rows of the next block; 0 if the writer must build it. */
static uint32_t next_block_rows(const struct part_crew *crew)
{
    const struct block_row *rows = crew->rows + crew->next;
    const size_t count = crew->count - crew->next;
    if (count == 0)
        return 0;
    const struct block_progress block = {
        .rows_max = crew->rows_max,
        .continues = crew->next > 0 && rows[-1].device == rows[0].device,
    };
    const uint32_t block_rows = block_rows_until_end(block, rows, count);
    return block_rows < count && rows_are_narrow(rows, block_rows) ? block_rows : 0;
}

/* With the lock held: the next piece, or NULL if all are taken. */
static struct piece *take_piece(struct part_crew *crew)
{
    if (crew->all_taken)
        return NULL;
    struct piece *piece = &crew->pieces[crew->taken];
    piece->rows = crew->rows + crew->next;
    piece->rows_ahead = crew->count - crew->next;
    piece->block_count = 0;
    piece->built = false;
    uint32_t rows = 0;
    while (rows < PIECE_ROWS && !crew->all_taken) {
        const uint32_t block_rows = next_block_rows(crew);
        crew->all_taken = block_rows == 0;
        if (crew->all_taken)
            break;
        assert(piece->block_count < PIECE_BLOCKS_MAX);
        piece->blocks[piece->block_count++].row_count = block_rows;
        crew->next += block_rows;
        rows += block_rows;
    }
    if (piece->block_count == 0)
        return NULL;
    crew->taken++;
    return piece;
}

/* --- building it --------------------------------------------------------------------------- */

/* The summary's columns are the builder's: copied, before its next block. */
static enum status keep_summary(struct piece *piece, struct built_block *block)
{
    const size_t count = block->summary.column_count;
    TRY(mem_grow(&piece->columns, &piece->column_capacity, piece->column_count + count,
                 sizeof *piece->columns));
    block->first_column = piece->column_count;
    if (count > 0)
        memcpy(piece->columns + piece->column_count, block->summary.columns,
               count * sizeof *piece->columns);
    piece->column_count += count;
    return STATUS_OK;
}

static enum status build_blocks(struct block_builder *builder, struct piece *piece)
{
    const struct block_row *rows = piece->rows;
    size_t rows_ahead = piece->rows_ahead;
    buffer_clear(&piece->stream);
    piece->column_count = 0;
    for (uint32_t i = 0; i < piece->block_count; i++) {
        struct built_block *block = &piece->blocks[i];
        const size_t before = piece->stream.len;
        uint32_t added = 0;
        TRY(block_add_rows(builder, rows, rows_ahead, block->row_count, &added));
        assert(added == block->row_count);
        TRY(block_builder_seal(builder, &piece->stream, &block->summary));
        TRY(keep_summary(piece, block));
        block->bytes_len = piece->stream.len - before;
        rows += added;
        rows_ahead -= added;
    }
    return STATUS_OK;
}

/* What failed leaves rows in the builder: the next piece gets a new one. */
static void build_piece(struct block_builder **builder, struct piece *piece)
{
    piece->status = *builder ? STATUS_OK : block_builder_new(builder);
    if (piece->status == STATUS_OK)
        piece->status = build_blocks(*builder, piece);
    if (piece->status != STATUS_OK) {
        block_builder_free(*builder);
        *builder = NULL;
    }
}

/* --- helpers ------------------------------------------------------------------------------- */

static void *run_helper(void *context)
{
    struct part_crew *crew = context;
    struct block_builder *builder = NULL;
    (void)pthread_mutex_lock(&crew->lock);
    while (!crew->ended) {
        struct piece *piece = take_piece(crew);
        if (!piece) {
            (void)pthread_cond_wait(&crew->work, &crew->lock);
            continue;
        }
        (void)pthread_mutex_unlock(&crew->lock);
        build_piece(&builder, piece);
        (void)pthread_mutex_lock(&crew->lock);
        piece->built = true;
        (void)pthread_cond_signal(&crew->built);
    }
    (void)pthread_mutex_unlock(&crew->lock);
    block_builder_free(builder);
    return NULL;
}

/* Signals are for threads that wait for them. */
static void start_helpers(struct part_crew *crew, unsigned helpers)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (crew->helper_count < helpers &&
           pthread_create(&crew->helpers[crew->helper_count], NULL, run_helper, crew) == 0)
        crew->helper_count++;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

enum status part_crew_new(struct part_crew **crew, unsigned helpers)
{
    *crew = NULL;
    struct part_crew *made = mem_alloc_zeroed(1, sizeof *made);
    if (!made)
        return STATUS_NOMEM;
    made->all_taken = true;
    made->helpers = mem_alloc_zeroed(helpers, sizeof *made->helpers);
    if (!made->helpers || pthread_mutex_init(&made->lock, NULL) != 0) {
        mem_free(made->helpers);
        mem_free(made);
        return STATUS_NOMEM;
    }
    (void)pthread_cond_init(&made->work, NULL);
    (void)pthread_cond_init(&made->built, NULL);
    start_helpers(made, helpers);
    *crew = made;
    return STATUS_OK;
}

void part_crew_free(struct part_crew *crew)
{
    if (!crew)
        return;
    (void)pthread_mutex_lock(&crew->lock);
    crew->ended = true;
    (void)pthread_cond_broadcast(&crew->work);
    (void)pthread_mutex_unlock(&crew->lock);
    for (unsigned i = 0; i < crew->helper_count; i++)
        (void)pthread_join(crew->helpers[i], NULL);
    (void)pthread_cond_destroy(&crew->built);
    (void)pthread_cond_destroy(&crew->work);
    (void)pthread_mutex_destroy(&crew->lock);
    for (size_t i = 0; i < crew->piece_capacity; i++) {
        buffer_release(&crew->pieces[i].stream);
        mem_free(crew->pieces[i].columns);
    }
    mem_free(crew->pieces);
    block_builder_free(crew->builder);
    mem_free(crew->helpers);
    mem_free(crew);
}

/* --- the caller ---------------------------------------------------------------------------- */

/* Room for all pieces of so many rows. Nobody looks at them meanwhile: all are taken. */
static enum status reserve_pieces(struct part_crew *crew, size_t count)
{
    const size_t old_capacity = crew->piece_capacity;
    TRY(mem_grow(&crew->pieces, &crew->piece_capacity, count / PIECE_ROWS + 1,
                 sizeof *crew->pieces));
    if (crew->piece_capacity > old_capacity)
        memset(crew->pieces + old_capacity, 0,
               (crew->piece_capacity - old_capacity) * sizeof *crew->pieces);
    return STATUS_OK;
}

static enum status write_piece(struct part_writer *writer, const struct piece *piece,
                               struct error *err)
{
    if (piece->status != STATUS_OK)
        return error_set(err, piece->status, "no memory for the blocks of a part");
    size_t offset = 0;
    for (uint32_t i = 0; i < piece->block_count; i++) {
        const struct built_block *block = &piece->blocks[i];
        struct block_summary summary = block->summary;
        summary.columns = piece->columns + block->first_column;
        const struct slice bytes = slice_of(piece->stream.data + offset, block->bytes_len);
        TRY(part_writer_take_block(writer, bytes, &summary, err));
        offset += block->bytes_len;
    }
    return STATUS_OK;
}

/*
 * With the lock held: builds what nobody else does, and writes the pieces in order. After a failure
 * no more are taken, but those that were are waited for: they are read by helpers.
 */
static enum status build_and_write(struct part_crew *crew, struct part_writer *writer,
                                   struct error *err)
{
    enum status status = STATUS_OK;
    size_t written = 0;
    for (;;) {
        struct piece *piece = NULL;
        if (written < crew->taken && crew->pieces[written].built) {
            piece = &crew->pieces[written++];
            (void)pthread_mutex_unlock(&crew->lock);
            if (status == STATUS_OK)
                status = write_piece(writer, piece, err);
            (void)pthread_mutex_lock(&crew->lock);
            if (status != STATUS_OK)
                crew->all_taken = true;
        } else if ((piece = take_piece(crew)) != NULL) {
            (void)pthread_mutex_unlock(&crew->lock);
            build_piece(&crew->builder, piece);
            (void)pthread_mutex_lock(&crew->lock);
            piece->built = true;
        } else if (written < crew->taken) {
            (void)pthread_cond_wait(&crew->built, &crew->lock);
        } else {
            return status;
        }
    }
}

enum status part_crew_append_rows(struct part_crew *crew, struct part_writer *writer,
                                  const struct block_row *rows, size_t count, struct error *err)
{
    if (!crew || crew->helper_count == 0 || count < SHARED_ROWS_MIN ||
        !part_writer_is_between_blocks(writer))
        return part_writer_append_rows(writer, rows, count, err);
    if (reserve_pieces(crew, count) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for the blocks of a part");
    (void)pthread_mutex_lock(&crew->lock);
    crew->rows = rows;
    crew->count = count;
    crew->next = 0;
    crew->rows_max = part_writer_rows_max(writer);
    crew->taken = 0;
    crew->all_taken = false;
    (void)pthread_cond_broadcast(&crew->work);
    const enum status status = build_and_write(crew, writer, err);
    const size_t done = crew->next;
    (void)pthread_mutex_unlock(&crew->lock);
    if (status != STATUS_OK)
        return status;
    if (done > 0)
        part_writer_go_on(writer, rows[done - 1].device,
                          rows[done - 1].device == rows[done].device);
    return part_writer_append_rows(writer, rows + done, count - done, err);
}
