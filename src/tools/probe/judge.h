/**
 * \file
 * The judges that many checks share, and what all judges are made from. All of them are pure: the
 * verdict depends on the transcript and on nothing else.
 */
#ifndef PROBE_JUDGE_H
#define PROBE_JUDGE_H

#include "tools/probe/check.h"

uint64_t be(const uint8_t *bytes, unsigned count);

/** The answer of the last step. */
const struct answer *last(const struct check *check, const struct transcript *transcript);

/** The check found something. `format` says what was got. */
void found(struct verdict *verdict, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Says more exactly than the table what was expected. */
void expected(struct verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void mark(struct verdict *verdict, unsigned step, enum area area, uint32_t offset, uint32_t length);
/** "00 1f a5", at most 16 bytes. \return `buffer`. */
const char *bytes_text(const uint8_t *bytes, size_t count, char *buffer, size_t size);
/** "SUCCESS", or "ERROR, CHECK CONDITION, sense 05/24/00". \return `buffer`. */
const char *outcome_text(const struct answer *answer, char *buffer, size_t size);

bool succeeded(const struct answer *answer);
/** This step must have succeeded; if not, that is what was found. */
bool must_succeed(const struct transcript *transcript, unsigned step, struct verdict *verdict);
/** Key, ASC and ASCQ of fixed or descriptor sense data; false when there are none. */
bool sense_of(const struct answer *answer, uint32_t *code);
/** The length of an answer by its own length fields; 0 when they make no sense. */
uint32_t answer_length(const struct answer *answer);
/** The CDB's allocation length; UINT32_MAX for a command that has none. */
uint32_t allocation_of(const struct answer *answer);
/** How many bytes the initiator should have got: answer, allocation length and buffer. */
uint32_t moved_by(const struct answer *answer);

judge_function judge_success;     /**< The last command succeeds. */
judge_function judge_value;       /**< `field` of the last answer has its value. */
judge_function judge_zero;        /**< `field` and `also` are zero. */
judge_function judge_tail;        /**< From the end of the answer to the allocation length: zero. */
judge_function judge_untouched;   /**< From field.offset on, nothing was written. */
judge_function judge_text;        /**< `field` is printable, left-aligned, padded with blanks. */
judge_function judge_same;        /**< `field` is the same in the first and in the last answer. */
judge_function judge_sense;       /**< The last command fails with `code`, told as autosense. */
judge_function judge_moved;       /**< DataTransferLength of a success is what was moved. */
judge_function judge_moved_value; /**< DataTransferLength of a success is field.value. */
judge_function judge_none_moved;  /**< DataTransferLength of a failure is 0. */

#endif
