/**
 * \file
 * A machine with one foreign miniport, for the tests of the port driver: booted in a child, with
 * virtual time and the verifier unless a test says otherwise.
 */
#ifndef TESTS_PORT_FIXTURE_H
#define TESTS_PORT_FIXTURE_H

#include "support/child.h"
#include "host.h"

#include <ntifs.h>

#include <storport.h>
#include <srbhelper.h>

/** All zero: seeded, verifier on, seed 1, the SRBs that the port prefers. */
struct port_machine {
    const char *word; /**< Case of portcase.c; NULL = the RAM disk. */
    bool real;        /**< The real scheduler. */
    bool unguarded;   /**< Verifier off. */
    enum host_srb_type srb_type;
    uint64_t seed;
};
#define PORT_MACHINE(...)                                                                          \
    (struct port_machine)                                                                          \
    {                                                                                              \
        .word = __VA_ARGS__                                                                        \
    }

/** Boots, installs, starts. \return whether the adapter started; `error` says why not. */
bool port_machine_start(struct port_machine machine, struct host_error *error);
/** Remove, unload, halt; nothing may leak. */
void port_machine_end(void);

/** One command with data in, waited for. \return SRB status without flags. */
uint8_t port_command(uint8_t path, uint8_t target, uint8_t lun, const uint8_t *cdb,
                     uint8_t cdb_length, void *data, uint32_t length);
/** TEST UNIT READY to 0:0:0. */
uint8_t port_test_unit_ready(uint32_t timeout);
/** What portcase.c knows: tries, all extensions poisoned, passive routine run, extended SRBs. */
struct port_facts {
    uint32_t tries, poisoned, passive, extended;
};
struct port_facts port_facts(void);

/** Index of the first trace record from `from` on of this kind and name; SIZE_MAX = none. */
size_t port_find(size_t from, enum trace_kind kind, const char *name);
unsigned port_count(enum trace_kind kind, const char *name);

#endif
