/*
 * command.h - the commands of `mnsdb`: thin layers over the queries.
 *
 *      options ──▶ command_begin ──▶ a query fills the answer ──▶ snapshot paused
 *                                                   ──▶ ordered, cut ──▶ rendered
 *
 * A command reads all it needs, lets go of the store, and only then writes: a
 * reader that blocks on its output must not hold the store's old pages.
 *
 * Threads: one.
 */
#ifndef MNSDB_QUERY_COMMAND_COMMAND_H
#define MNSDB_QUERY_COMMAND_COMMAND_H

#include "cli/exit_code.h"
#include "cli/options.h"

/* Groups of options that commands share, and those of single commands. */
extern const struct option_group command_store_group;
extern const struct option_group command_selection_group;
extern const struct option_group command_span_group; /* --from and --to alone */
extern const struct option_group command_output_group;
extern const struct option_group command_stats_group;
extern const struct option_group command_online_group;
extern const struct option_group command_rules_group;
extern const struct option_group command_limits_group;
extern const struct option_group command_compare_group;
extern const struct option_group command_reliability_group;
extern const struct option_group command_rejects_group;
extern const struct option_group command_values_group; /* --where, --alias: see command_values.h */
extern const struct option_group command_alias_group;  /* --alias alone */
extern const struct option_group command_follow_group;
extern const struct option_group command_watch_group;
extern const struct option_group command_stats_picture_group; /* --plot, --bars, --spark */
extern const struct option_group command_online_picture_group;
extern const struct option_group command_gaps_group;
extern const struct option_group command_findings_group;
extern const struct option_group command_report_group;
extern const struct option_group command_svg_group;

enum exit_code command_stats(const struct options *options);
enum exit_code command_online(const struct options *options);
enum exit_code command_sessions(const struct options *options);
enum exit_code command_excursions(const struct options *options);
enum exit_code command_last(const struct options *options);
enum exit_code command_log(const struct options *options);
enum exit_code command_watch(const struct options *options);
enum exit_code command_check(const struct options *options);
enum exit_code command_gaps(const struct options *options);
enum exit_code command_report(const struct options *options);
enum exit_code command_devices(const struct options *options);
enum exit_code command_metrics(const struct options *options);
enum exit_code command_rejects(const struct options *options);
enum exit_code command_seen(const struct options *options);
enum exit_code command_info(const struct options *options);
enum exit_code command_aliases(const struct options *options);
enum exit_code command_backup(const struct options *options);
enum exit_code command_verify(const struct options *options);

/* program_spec.complete_names, from the store that the line names. */
void command_complete_names(struct completion *completion, enum store_names which,
                            const struct options *options);

#endif
