/*
 * clones.h - functions that are compiled for more than one processor.
 */
#ifndef MNSDB_ENGINE_BASE_CLONES_H
#define MNSDB_ENGINE_BASE_CLONES_H

/*
 * Hot loops are compiled twice, the choice is made when the program is loaded.
 * Only gcc does this well; sanitizers instrument the choice itself, which runs
 * before they are set up.
 */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HOT_CLONES __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define HOT_CLONES
#endif

#endif
