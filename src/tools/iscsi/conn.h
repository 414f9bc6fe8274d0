/**
 * \file
 * A connection from the inside: shared by the files of this folder that make up the target.
 *
 *     bytes -> input.c -> full.c -> command.c, data_out.c -> submit.c -> bus -> answer.c -> output.c -> bytes
 *                           |        attention.c                lengths.c           ^
 *                           +-> login.c, management.c, text_request.c --------------+
 */
#ifndef ISCSI_CONN_H
#define ISCSI_CONN_H

#include "tools/iscsi/digest.h"
#include "tools/iscsi/pdu.h"
#include "tools/iscsi/target.h"

#define CONN_STAGE       16384u
#define CONN_TAG_BUCKETS 64u
#define CONN_LUNS        256u
/** Immediate commands come outside the window; beyond so many at a time they are rejected. */
#define CONN_IMMEDIATE 32u

/** One PDU on its way out. */
struct out {
    struct out *next;
    uint8_t header[PDU_HEADER + PDU_DIGEST];
    uint8_t header_length;
    uint8_t trailer[3 + PDU_DIGEST]; /**< Padding and digest. */
    uint8_t trailer_length;
    const void *data;
    uint32_t length;
    void *owned;       /**< Freed with it. */
    struct task *task; /**< Whose last PDU this is; freed with it. */
    bool pooled;       /**< On its own, not part of a task. */
};

enum task_state {
    TASK_COLLECTING, /**< Data-Out is still to come. */
    TASK_WAITING,    /**< For memory. */
    TASK_RUNNING,    /**< The bus has it. */
    TASK_ANSWERED,   /**< Its answer is on its way. */
};

/** A SCSI command. */
struct task {
    struct bus_command command;
    struct target *target;
    struct conn *conn; /**< NULL: nobody waits for it any more, or it is the target's own. */
    struct task *next; /**< In the bucket, in the waiting list, or in the free list. */
    struct task *next_waiting;
    enum task_state state;
    uint8_t lun_field[8];
    uint32_t tag;
    uint32_t expected; /**< Expected data transfer length. */
    uint32_t cut;      /**< Bytes that the CDB moved before it was shortened. */
    bool read, write, immediate;
    bool judged;      /**< The answer is fixed already: command.status and sense. */
    bool aborted;     /**< No answer; `management` waits for its end. */
    bool unsolicited; /**< Data may come unasked until a final PDU. */
    struct management *management;

    /* Data-Out. */
    uint8_t *buffer;
    size_t room;
    uint32_t received;
    uint32_t burst_end; /**< What may come until the next R2T. */
    uint32_t datasn, r2tsn, transfer_tag;

    uint32_t sent_pdus; /**< Data-In and R2T: ExpDataSN. */
    struct out out;     /**< The last PDU of its answer. */
    uint8_t sense[2 + BUS_SENSE];
    void (*then)(struct task *task); /**< The target's own commands: what follows. */
};

/** A task management function that is being carried out. */
struct management {
    struct bus_reset reset;
    struct management *next;
    struct target *target;
    struct conn *conn; /**< NULL: whoever asked is gone. */
    uint32_t tag;
    uint8_t function;
    unsigned pending; /**< Tasks and a reset still to end. */
    bool failed;
};

/** What a session keeps about a logical unit. */
struct conn_lun {
    uint8_t attention;     /**< ATTENTION_* that are to be told. */
    bool prevents;         /**< It has asked that the medium stay. */
    bool descriptor_sense; /**< The unit has D_SENSE set. */
    uint8_t device_type;
    uint32_t block_size;
};

enum conn_phase { CONN_LOGIN, CONN_FULL, CONN_ENDING };

struct conn {
    struct target *target;
    struct conn *next, *previous, *next_dirty;
    void *user;
    char portal[TARGET_PORTAL_SIZE];
    enum conn_phase phase;
    bool is_dirty;
    bool active;
    struct login login;
    struct parameters parameters;
    bool header_digest, data_digest; /**< In force. */
    uint16_t tsih;
    struct bus_address at; /**< Path and target of a normal session. */

    /* Numbering. */
    uint32_t statsn, expcmdsn, maxcmdsn;
    unsigned in_window; /**< Commands that were numbered and are not answered. */
    unsigned immediate;
    uint32_t next_transfer_tag;

    /* Input. */
    enum { INPUT_HEADER, INPUT_DATA, INPUT_TAIL } input;
    uint8_t header[PDU_HEADER + PDU_AHS_MAXIMUM];
    uint32_t data_length, data_left;
    uint8_t *data;    /**< Where the data of this PDU go; NULL: nowhere. */
    uint8_t *scratch; /**< Data of PDUs other than SCSI's; grows to own_segment. */
    size_t scratch_room;
    struct task *task; /**< That the data are for. */
    bool skip;         /**< The PDU has been dealt with: its data are dropped. */
    uint32_t digest;
    uint32_t stage_begin, stage_end;
    uint8_t stage[CONN_STAGE];

    /* Output. */
    struct out *first_out, **last_out;
    uint32_t out_sent; /**< Bytes of the first that have gone. */

    struct task *tasks[CONN_TAG_BUCKETS];
    unsigned task_count;
    struct text text_request, text_answer;
    size_t text_told;
    uint32_t text_tag; /**< Of an answer that is not told to the end. */
    struct conn_lun luns[CONN_LUNS];
};

/* conn.c */
/** Ends the connection once its output is gone. */
void conn_end(struct conn *conn);
void conn_mark_dirty(struct conn *conn);
/** The session that this login opens is there: an older one of the same name ends. */
void conn_begin_session(struct conn *conn);

/* output.c */
/** A new PDU to the initiator, its header zeroed but for opcode, final bit and tag. \return NULL:
 * no memory, and the connection ends. */
struct out *out_new(struct conn *conn, enum pdu_opcode opcode, uint32_t tag);
void out_prepare(struct out *out, enum pdu_opcode opcode, uint32_t tag);
/** Queues it: fills the sequence numbers and digests. \param numbered it takes a StatSN. */
void out_queue(struct conn *conn, struct out *out, bool numbered);
void out_free(struct target *target, struct out *out);
/** Answers a PDU with Reject; conn->header is the culprit. */
void out_reject(struct conn *conn, enum pdu_reject reason);
/** Rejects, and ends the connection. */
void out_reject_and_end(struct conn *conn, enum pdu_reject reason);

/* full.c */
/** A header has come: checks it and says where its data go (conn->data), or sets conn->skip. */
void full_begin(struct conn *conn);
/** The whole PDU has come. \param intact false: the data digest is wrong. */
void full_end(struct conn *conn, bool intact);
/** Checks CmdSN of a numbered request, and takes it. \return false: to be ignored. */
bool full_take_number(struct conn *conn);
/** Room for the data of a PDU that is no SCSI command's. */
bool full_scratch(struct conn *conn);

/* command.c */
void command_begin(struct conn *conn);
void command_end(struct conn *conn, bool intact);

/* task.c */
struct task *task_new(struct target *target);
void task_free(struct task *task);
/** The connection's command with this tag, or NULL. */
struct task *task_find(struct conn *conn, uint32_t tag);
/** Puts the task into a connection, under task->tag. */
void task_remember(struct conn *conn, struct task *task);
/** Takes the task out of its connection: it is answered, or will never be. */
void task_forget(struct task *task);
/** It waits for memory no longer. */
void task_stop_waiting(struct task *task);
/** Gives its data buffer back. */
void task_drop_buffer(struct task *task);

/* submit.c */
/** All data have come: to the bus, or into the queue for memory. */
void task_ready(struct task *task);
/** Starts what waits for memory, as far as there is any. */
void task_start_waiting(struct target *target);
/** Sends one of the target's own commands: no session waits for it. */
void task_send_own(struct target *target, const struct bus_address *at, const uint8_t *cdb,
                   uint8_t cdb_length, uint32_t length, void (*then)(struct task *));

/* data_out.c */
void data_out_begin(struct conn *conn);
void data_out_end(struct conn *conn, bool intact);
/** More data are wanted: asks for them, or, when all have come, task_ready. */
void data_out_continue(struct task *task);

/* answer.c */
/** A task has ended: answers it, if somebody waits. */
void answer_task(struct task *task);
/** Fixes CHECK CONDITION with fixed or descriptor sense data, to be told when the data are in. */
void answer_judge(struct task *task, uint8_t key, uint8_t asc, uint8_t ascq);

/* attention.c */
enum attention {
    ATTENTION_POWER_ON = 0x01,
    ATTENTION_TARGET_RESET = 0x02,
    ATTENTION_UNIT_RESET = 0x04,
    ATTENTION_CLEARED = 0x08,
    ATTENTION_MEDIUM = 0x10,
    ATTENTION_MODE = 0x20,
};
/** Tells every session on this unit but `except` (may be NULL). */
void attention_raise(struct target *target, const struct bus_address *at, enum attention what,
                     const struct conn *except);
/** A command has come: if there is something to tell, it is told instead. */
void attention_check(struct task *task);
/** Prevention and attentions that the end of this command brings. */
void attention_after(struct task *task);
/** PREVENT ALLOW MEDIUM REMOVAL that another session's prevention overrules: answered here.
 * \return true: it is answered. */
bool attention_overrules(struct task *task);
/** The session is gone: what it prevented is allowed again. */
void attention_session_ends(struct conn *conn);
/** A reset lets the medium go: nobody prevents any more. */
void attention_reset(struct target *target, const struct bus_address *at,
                     enum bus_reset_level level);

/* management.c */
void management_request(struct conn *conn);
void management_task_ended(struct management *management);
void management_reset_ended(struct management *management);
/** Whoever asked is gone. */
void management_forget(struct conn *conn);

/* text_request.c */
void text_request(struct conn *conn);

#endif
