/*
 * plot_canvas.c - dots in cells.
 *
 *      braille      0 3        ASCII      0
 *      (bit of      1 4
 *       the dot)    2 5        U+2800 + mask is the character of a mask of braille
 *                   6 7
 */
#include "query/plot/plot_internal.h"

#include "engine/base/mem.h"

#include <assert.h>

#define BRAILLE_X 2u
#define BRAILLE_Y 4u

enum status plot_canvas_init(struct plot_canvas *canvas, bool utf8, size_t columns, size_t rows)
{
    assert(columns > 0 && rows > 0);
    *canvas = (struct plot_canvas){.columns = columns,
                                   .rows = rows,
                                   .cell_x = utf8 ? BRAILLE_X : 1,
                                   .cell_y = utf8 ? BRAILLE_Y : 1};
    canvas->dots_x = columns * canvas->cell_x;
    canvas->dots_y = rows * canvas->cell_y;
    canvas->line = mem_alloc_zeroed(columns * rows, sizeof *canvas->line);
    canvas->band = mem_alloc_zeroed(columns * rows, sizeof *canvas->band);
    return canvas->line && canvas->band ? STATUS_OK : STATUS_NOMEM;
}

void plot_canvas_release(struct plot_canvas *canvas)
{
    mem_free(canvas->line);
    mem_free(canvas->band);
    *canvas = (struct plot_canvas){0};
}

static void set_dot(const struct plot_canvas *canvas, uint8_t *layer, size_t x, size_t y)
{
    static const uint8_t bits[BRAILLE_Y][BRAILLE_X] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    assert(x < canvas->dots_x && y < canvas->dots_y);
    const size_t cell = y / canvas->cell_y * canvas->columns + x / canvas->cell_x;
    layer[cell] |= bits[y % canvas->cell_y][x % canvas->cell_x];
}

static int64_t magnitude(int64_t value)
{
    return value < 0 ? -value : value;
}

/* Bresenham's way: one step of the longer direction at a time. */
void plot_canvas_line(struct plot_canvas *canvas, size_t x0, size_t y0, size_t x1, size_t y1)
{
    int64_t x = (int64_t)x0;
    int64_t y = (int64_t)y0;
    const int64_t step_x = x1 >= x0 ? 1 : -1;
    const int64_t step_y = y1 >= y0 ? 1 : -1;
    const int64_t far_x = magnitude((int64_t)x1 - x);
    const int64_t far_y = -magnitude((int64_t)y1 - y);
    int64_t error = far_x + far_y;
    for (;;) {
        set_dot(canvas, canvas->line, (size_t)x, (size_t)y);
        if (x == (int64_t)x1 && y == (int64_t)y1)
            return;
        const int64_t twice = 2 * error;
        if (twice >= far_y) {
            error += far_y;
            x += step_x;
        }
        if (twice <= far_x) {
            error += far_x;
            y += step_y;
        }
    }
}

void plot_canvas_band(struct plot_canvas *canvas, size_t x, size_t top, size_t bottom)
{
    const bool braille = canvas->cell_x > 1;
    for (size_t y = top; y <= bottom; y++) {
        // One dot in four: a shade that a line stands out from.
        if (!braille || (y % 2 == 0 && (x + y / 2) % 2 == 0) || (top == bottom && x % 2 == 0))
            set_dot(canvas, canvas->band, x, y);
    }
}

static enum status put_braille(struct buffer *out, uint8_t mask)
{
    const uint8_t bytes[] = {0xe2, (uint8_t)(0xa0 | mask >> 6), (uint8_t)(0x80 | (mask & 0x3f))};
    return buffer_append(out, bytes, sizeof bytes);
}

static enum status put_cell(const struct plot *plot, const struct plot_canvas *canvas, size_t cell)
{
    const uint8_t line = canvas->line[cell];
    const uint8_t band = canvas->band[cell];
    if (!line && !band)
        return plot_put(plot, " ");
    if (canvas->cell_x > 1)
        return put_braille(plot->out, line ? line : band);
    return plot_put(plot, line ? "*" : ".");
}

static enum screen_colour colour_of(const struct plot_canvas *canvas, size_t cell)
{
    return canvas->line[cell] ? SCREEN_CYAN : canvas->band[cell] ? SCREEN_BLUE : SCREEN_PLAIN;
}

enum status plot_canvas_put_row(const struct plot *plot, const struct plot_canvas *canvas,
                                size_t row)
{
    enum screen_colour before = SCREEN_PLAIN;
    size_t used = canvas->columns; // nothing is written behind the last dot
    const size_t first = row * canvas->columns;
    while (used > 0 && !canvas->line[first + used - 1] && !canvas->band[first + used - 1])
        used--;
    for (size_t i = 0; i < used; i++) {
        const enum screen_colour colour = colour_of(canvas, first + i);
        if (colour != before)
            TRY(screen_put_colour(plot->screen, plot->out, colour));
        before = colour;
        TRY(put_cell(plot, canvas, first + i));
    }
    return before == SCREEN_PLAIN ? STATUS_OK
                                  : screen_put_colour(plot->screen, plot->out, SCREEN_PLAIN);
}
