/*
 * replay_main.c - runs one fuzz target over the files of a corpus, without libFuzzer.
 *
 *      fuzz_NAME FILE_BYTES_MAX PATH...
 *
 * A PATH is a file or a folder of files. Every build and compiler can so repeat what the fuzzer
 * once found. A missing folder, an empty corpus, a nested folder and a file over FILE_BYTES_MAX
 * are failures: a corpus that silently runs nothing would be worse than none.
 *
 * Each input is a heap block of exactly its own length, so that a sanitizer sees the first byte
 * read beyond it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_BYTES_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static int complain(const char *path, const char *what)
{
    fprintf(stderr, "replay: %s: %s\n", path, what);
    return -1;
}

/* Runs the target on the `bytes_len` bytes at the start of `file`. */
static int replay_bytes(const char *path, FILE *file, size_t bytes_len)
{
    uint8_t *bytes = malloc(bytes_len > 0 ? bytes_len : 1);
    if (!bytes)
        return complain(path, "no memory");

    const size_t got_len = fread(bytes, 1, bytes_len, file);
    if (got_len == bytes_len)
        (void)LLVMFuzzerTestOneInput(bytes, bytes_len);
    free(bytes);
    return got_len == bytes_len ? 0 : complain(path, "shorter than its size says");
}

static int replay_file(const char *path, size_t bytes_max)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        return complain(path, strerror(errno));

    struct stat info;
    int result = -1;
    if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode))
        result = complain(path, "not a regular file");
    else if ((uintmax_t)info.st_size > bytes_max)
        result = complain(path, "longer than a corpus file may be");
    else
        result = replay_bytes(path, file, (size_t)info.st_size);
    (void)fclose(file);
    return result;
}

/* Runs every entry of the folder; returns how many there were, or -1. */
static long replay_folder(const char *path, size_t bytes_max)
{
    DIR *folder = opendir(path);
    if (!folder)
        return complain(path, strerror(errno));

    long count = 0;
    const struct dirent *entry = NULL;
    while (count >= 0 && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        char name[PATH_BYTES_MAX];
        const int name_len = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (name_len < 0 || (size_t)name_len >= sizeof name)
            count = complain(path, "a name in it is too long");
        else
            count = replay_file(name, bytes_max) == 0 ? count + 1 : -1;
    }
    (void)closedir(folder);
    return count;
}

static long replay_path(const char *path, size_t bytes_max)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return complain(path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return replay_folder(path, bytes_max);
    return replay_file(path, bytes_max) == 0 ? 1 : -1;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s FILE_BYTES_MAX PATH...\n", argv[0]);
        return 2;
    }
    const size_t bytes_max = strtoul(argv[1], NULL, 10);
    long total = 0;
    for (int i = 2; i < argc; i++) {
        const long count = replay_path(argv[i], bytes_max);
        if (count < 0)
            return 1;
        total += count;
    }
    printf("replayed %ld inputs\n", total);
    return total > 0 ? 0 : complain(argv[2], "an empty corpus");
}
