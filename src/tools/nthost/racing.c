/*
 * `nthost race`: every schedule of a scenario, or many seeds of it, on a driver with level 2
 * scheduling points. A run is a child, so what it meets, a bugcheck above all, is a result. One seed
 * can be run again with its trace, which is what a story of it is made of.
 */
#include "tools/nthost/racing.h"

#include "tools/nthost/address.h"
#include "tools/nthost/race.h"

#include <cjson/cJSON.h>

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ADVICE "see nthost help race"
#define DRIVER "points/vmini.so"
#define SEEDS  2000

enum option_code {
    OPT_DRIVER = 256,
    OPT_SEEDS,
    OPT_SEED,
    OPT_BOUND,
    OPT_TRACE,
    OPT_JSON,
    OPT_LIST,
    OPT_HELP
};

static const struct option long_options[] = {
    {"driver", required_argument, NULL, OPT_DRIVER},
    {"seeds", required_argument, NULL, OPT_SEEDS},
    {"seed", required_argument, NULL, OPT_SEED},
    {"bound", required_argument, NULL, OPT_BOUND},
    {"trace", required_argument, NULL, OPT_TRACE},
    {"json", no_argument, NULL, OPT_JSON},
    {"list", no_argument, NULL, OPT_LIST},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

/** What the command line says. */
struct arguments {
    const char *driver, *trace, *race;
    uint64_t seeds, seed, bound;
    bool has_seed, has_bound, json, list, help;
};

void racing_help(void)
{
    puts(
        "usage: nthost race [OPTION]... [NN|NAME]\n"
        "\n"
        "Two things happen at once: does the driver keep them apart? Plays each scenario, or the\n"
        "one named (by the fix of chapter 6 that it is about, or by its name), under many seeds "
        "of\n"
        "PCT and then under all schedules with few delays. Threads are preempted at each\n"
        "access to memory: that takes a driver with level 2 scheduling points.\n"
        "\n"
        "  --driver FILE   the miniport (default: points/vmini.so beside nthost; make race builds\n"
        "                  it)\n"
        "  --seeds N       how many seeds (default: 2000); 0 = none\n"
        "  --bound N       delays of the exhaustive search (default: as --list says)\n"
        "  --seed N        this one seed only\n"
        "  --trace FILE    what every thread did in the schedule that fails or, with --seed, in "
        "that\n"
        "                  run\n"
        "  --json          for programs\n"
        "  --list          the scenarios\n"
        "\n"
        "Exit status: 0 no schedule fails, 1 one does, 2 usage.");
}

static bool take_option(int code, const char *value, struct arguments *arguments)
{
    switch (code) {
    case OPT_DRIVER:
        arguments->driver = value;
        return true;
    case OPT_TRACE:
        arguments->trace = value;
        return true;
    case OPT_SEEDS:
        return number_parse(value, "--seeds", 1000000, &arguments->seeds);
    case OPT_SEED:
        arguments->has_seed = true;
        return number_parse(value, "--seed", UINT64_MAX, &arguments->seed);
    case OPT_BOUND:
        arguments->has_bound = true;
        return number_parse(value, "--bound", 8, &arguments->bound);
    case OPT_JSON:
        return arguments->json = true;
    case OPT_LIST:
        return arguments->list = true;
    default:
        return arguments->help = true;
    }
}

static bool parse(int argc, char **argv, struct arguments *arguments)
{
    int code;

    *arguments = (struct arguments){.seeds = SEEDS};
    opterr = 0;
    while ((code = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        if (code == ':') {
            return tool_fail(ADVICE, "option %s wants a value", argv[optind - 1]);
        }
        if (code == '?') {
            return tool_fail(ADVICE, "unknown or ambiguous option %s", argv[optind - 1]);
        }
        if (!take_option(code, optarg, arguments)) {
            return false;
        }
    }
    arguments->race = argv[optind];
    if (optind + 1 < argc) {
        return tool_fail(ADVICE, "\"%s\": one race at a time, or all", argv[optind + 1]);
    }
    if (arguments->trace != NULL && arguments->race == NULL) {
        return tool_fail("name the race", "--trace is for one run");
    }
    return true;
}

/* --- results --- */

/** How both ways of playing a race ended. */
struct verdict {
    const struct race *race;
    struct explore_result seeds, schedules;
    uint64_t seed; /**< The lowest that fails. */
    unsigned bound;
    bool searched; /**< `schedules` is of this race: not with --seed. */
};

static bool fails(const struct explore_result *result)
{
    return result->outcome != EXPLORE_PASSED;
}

/** How the run that failed ended, in a few words. */
static const char *ending(const struct explore_result *result)
{
    static char text[700];

    switch (result->outcome) {
    case EXPLORE_BUGCHECK:
        snprintf(text, sizeof(text), "bugcheck 0x%X in %s: %s", result->report.code,
                 result->report.where[0] != '\0' ? result->report.where : "the system",
                 result->report.text);
        return text;
    case EXPLORE_SIGNAL:
    case EXPLORE_EXIT:
        snprintf(text, sizeof(text), "%s %d",
                 result->outcome == EXPLORE_SIGNAL ? "signal" : "exit status", result->status);
        return text;
    default:
        return explore_outcome_name(result->outcome);
    }
}

/** \param number of the seed or schedule that fails. */
static void print_way(const char *way, const char *unit, const struct explore_result *result,
                      uint64_t number)
{
    printf("    %-16s", way);
    if (fails(result)) {
        printf("%sfails%s with %s %" PRIu64 ": %s\n", tool_style(STYLE_BAD),
               tool_style(STYLE_PLAIN), unit, number, ending(result));
    } else {
        printf("%" PRIu64 " %s%s, %snone fails%s\n", result->runs, unit,
               result->runs == 1 ? "" : "s", tool_style(STYLE_GOOD), tool_style(STYLE_PLAIN));
    }
}

static void print_text(const struct verdict *verdict)
{
    char way[24];

    printf("%02u  %s: %s\n", verdict->race->fix, verdict->race->name, verdict->race->what);
    print_way("PCT", "seed", &verdict->seeds, verdict->seed);
    if (verdict->searched) {
        snprintf(way, sizeof(way), "%u delay%s", verdict->bound, verdict->bound == 1 ? "" : "s");
        print_way(way, "schedule", &verdict->schedules, verdict->schedules.runs);
    }
}

static void add_way(cJSON *object, const char *name, const struct explore_result *result)
{
    cJSON *way = cJSON_AddObjectToObject(object, name);

    cJSON_AddNumberToObject(way, "runs", (double)result->runs);
    cJSON_AddBoolToObject(way, "fails", fails(result));
    if (fails(result)) {
        cJSON_AddStringToObject(way, "ending", ending(result));
    }
}

static void add_json(cJSON *list, const struct verdict *verdict)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddItemToArray(list, object);
    cJSON_AddStringToObject(object, "name", verdict->race->name);
    cJSON_AddNumberToObject(object, "fix", verdict->race->fix);
    add_way(object, "seeds", &verdict->seeds);
    if (fails(&verdict->seeds)) {
        cJSON_AddNumberToObject(object, "seed", (double)verdict->seed);
    }
    if (verdict->searched) {
        cJSON_AddNumberToObject(object, "bound", verdict->bound);
        add_way(object, "schedules", &verdict->schedules);
    }
}

/* --- playing --- */

/** Plays one race in both ways. */
static struct verdict play(const struct race *race, const struct race_machine *machine,
                           const struct arguments *arguments, FILE *trace)
{
    struct verdict verdict = {.race = race, .searched = !arguments->has_seed};

    verdict.bound = arguments->has_bound ? (unsigned)arguments->bound : race->bound;
    verdict.seeds = race_seeds(race, machine, arguments->has_seed ? arguments->seed : 1,
                               arguments->has_seed ? 1 : arguments->seeds,
                               arguments->has_seed ? trace : NULL, &verdict.seed);
    if (verdict.searched) {
        verdict.schedules = race_schedules(race, machine, verdict.bound, trace);
        explore_result_free(&verdict.schedules);
    }
    return verdict;
}

/** Is this the race that is wanted? */
static bool is_named(const struct race *race, const char *wanted)
{
    char *end;

    return wanted == NULL || strcmp(wanted, race->name) == 0 ||
           (strtoul(wanted, &end, 10) == race->fix && *end == '\0');
}

static enum tool_exit play_all(const struct race_machine *machine,
                               const struct arguments *arguments, FILE *trace)
{
    cJSON *list = cJSON_CreateArray();
    unsigned played = 0, lost = 0;
    char *text;

    for (unsigned i = 0; i < race_count; i++) {
        struct verdict verdict;

        if (!is_named(&races[i], arguments->race)) {
            continue;
        }
        verdict = play(&races[i], machine, arguments, trace);
        arguments->json ? add_json(list, &verdict) : print_text(&verdict);
        fflush(stdout);
        played++;
        lost += fails(&verdict.seeds) || fails(&verdict.schedules);
    }
    text = cJSON_Print(list);
    if (arguments->json && text != NULL) {
        puts(text);
    }
    free(text);
    cJSON_Delete(list);
    if (played == 0) {
        tool_fail("nthost race --list", "there is no race \"%s\"", arguments->race);
        return TOOL_USAGE;
    }
    return lost == 0 ? TOOL_OK : TOOL_FAILED;
}

static enum tool_exit list_races(void)
{
    for (unsigned i = 0; i < race_count; i++) {
        printf("%02u  %-24s %s; %u delay%s\n", races[i].fix, races[i].name, races[i].what,
               races[i].bound, races[i].bound == 1 ? "" : "s");
    }
    return TOOL_OK;
}

/** The driver with points that lies beside this program. */
static bool find_driver(struct arguments *arguments)
{
    static char path[PATH_MAX];

    if (arguments->driver != NULL) {
        return true;
    }
    arguments->driver = path;
    return machine_beside(DRIVER, path, sizeof(path)) &&
           (access(path, R_OK) == 0 ||
            tool_fail("make race builds it, or name one with --driver", "there is no %s", path));
}

enum tool_exit racing(int argc, char **argv)
{
    static struct race_machine machine;
    struct arguments arguments;
    enum tool_exit result = TOOL_FAILED;
    FILE *trace = NULL;

    if (!parse(argc, argv, &arguments)) {
        return TOOL_USAGE;
    }
    if (arguments.help) {
        racing_help();
        return TOOL_OK;
    }
    if (arguments.list) {
        return list_races();
    }
    if (arguments.trace != NULL) {
        trace = fopen(arguments.trace, "w");
        if (trace == NULL) {
            tool_fail("check the path and the rights", "trace %s: %s", arguments.trace,
                      strerror(errno));
            return TOOL_FAILED;
        }
    }
    if (find_driver(&arguments) && race_prepare(&machine, arguments.driver)) {
        result = play_all(&machine, &arguments, trace);
    }
    race_clean(&machine);
    if (trace != NULL) {
        fclose(trace);
    }
    return result;
}
