/**
 * \file
 * The target: what all connections share, and what a server does with it.
 *
 * One thread at a time may be inside the target (the server has a lock for that); nothing in here
 * blocks, reads, writes or tells the time. Bytes go in through conn_buffers and conn_received, and
 * out through conn_output and conn_sent; what the bus has finished comes in through target_event.
 * So the same code runs behind sockets, in unit tests and under a fuzzer.
 *
 * A connection is a session (MaxConnections=1), and an iSCSI target is a SCSI target of the bus:
 * the name ends with ":bus.target", and a LUN is a LUN.
 */
#ifndef ISCSI_TARGET_H
#define ISCSI_TARGET_H

#include "tools/iscsi/buffers.h"
#include "tools/iscsi/bus.h"
#include "tools/iscsi/chap.h"
#include "tools/iscsi/login.h"

#include <sys/uio.h>

#define TARGET_NAME_PREFIX "iqn.2010-05.example.vmini"
#define TARGET_PORTAL_SIZE 80u

/** Bytes of buffers beyond which commands wait, and connections are not read. */
#define TARGET_BUFFERS ((size_t)16 << 20)
/** Buffers kept for the next command. */
#define TARGET_BUFFERS_KEPT ((size_t)6 << 20)
/** Commands that a session may have sent and not had answered: the CmdSN window. */
#define TARGET_WINDOW 128u

struct conn;
struct task;
struct management;
struct out;

struct target {
    struct bus bus;
    struct login_rules rules;
    struct conn *conns; /**< Every connection, the newest first. */
    struct conn *dirty; /**< Those that have something to send, or have ended. */
    struct buffers buffers;
    struct task *free_tasks;
    struct out *free_outs;
    struct task *waiting, **waiting_end; /**< Commands that wait for memory. */
    struct management *managements;      /**< Task management functions that are not done yet. */
    unsigned tasks;                      /**< Commands that exist; free ones are not counted. */
    unsigned free_task_count, free_out_count;
    unsigned on_bus; /**< Commands and resets that the bus has. */
    uint16_t last_tsih;
};

/** \param random fills bytes for CHAP. \param account NULL: anybody may log in. */
void target_begin(struct target *target, const struct bus *bus, const struct chap_account *account,
                  void (*random)(void *context, uint8_t *out, size_t length));
/** No connection may be left, and nothing on the bus. */
void target_end(struct target *target);

/** The bus has finished something. */
void target_event(struct target *target, struct bus_event *event);
/** A connection that needs the server's attention, or NULL: see conn_output and conn_over. */
struct conn *target_dirty(struct target *target);
/** The name of the iSCSI target for a SCSI target. \return `buffer`. */
const char *target_name(uint8_t path, uint8_t target, char *buffer, size_t size);

/** The path and target that a name stands for. \return false: there is none. */
bool target_find(struct target *target, const char *name, struct bus_address *at);

/** A new connection. \param portal "ADDRESS:PORT" as the initiator reached it. \param user the
 * server's. \return NULL: no memory. */
struct conn *conn_open(struct target *target, const char *portal, void *user);
/** The transport is gone. The connection is freed; its commands end by themselves. */
void conn_close(struct conn *conn);
void *conn_user(const struct conn *conn);

/** Where the next bytes go. \return buffers, 0: nothing is to be read now. */
unsigned conn_buffers(struct conn *conn, struct iovec iov[2]);
/** So many bytes have come. */
void conn_received(struct conn *conn, size_t length);
/** What is to be sent. \return buffers. */
unsigned conn_output(struct conn *conn, struct iovec *iov, unsigned room);
/** So many bytes have gone. */
void conn_sent(struct conn *conn, size_t length);
/** Nothing more will be sent or read: the server closes the transport. */
bool conn_over(const struct conn *conn);
/** Asks the initiator whether it is there: whatever it sends next is an answer. */
void conn_ping(struct conn *conn);
/** In the full feature phase? */
bool conn_logged_in(const struct conn *conn);
/** Has any byte come since the last call? */
bool conn_active(struct conn *conn);
/** Tells the initiator that the target goes away, and ends the connection. */
void conn_shut_down(struct conn *conn);

#endif
