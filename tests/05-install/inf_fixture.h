/**
 * \file
 * What the three INF suites share: a correct INF to change, a way to change it, and where something
 * stands in the result. A case says only what it breaks, so that the rest is known to be good.
 */
#ifndef TEST_INF_FIXTURE_H
#define TEST_INF_FIXTURE_H

#include "pnp/inf.h"

/** The driver's own INF, from the root of the project. */
#ifndef VMINI_INF
#define VMINI_INF "src/driver/05-install/vmini.inf"
#endif

/** A correct INF of another driver, with the features that vmini.inf does not use. No findings. */
extern const char inf_fixture_good[];
/** The form of 2009: x86 and amd64, System32\drivers, CopyFiles=@file, tokens everywhere. */
extern const char inf_fixture_2009[];

/**
 * A copy of `text` in which the first `from` is `to`; fails the test when there is no `from`.
 * \return to be freed.
 */
char *inf_fixture_edit(const char *text, const char *from, const char *to);
/** The line on which `part` first stands, from 1; fails the test when it is not there. */
unsigned inf_fixture_line(const char *text, const char *part);
/** Parses text that must parse; fails the test with the parser's own words otherwise. */
struct inf_file *inf_fixture_parse(const char *text);
/** Reads a whole file into memory, with a NUL behind it; fails the test otherwise. */
char *inf_fixture_read(const char *path, size_t *length);
/** Prints what was found, for a case that fails. */
void inf_fixture_print(const struct inf_findings *findings);

#endif
