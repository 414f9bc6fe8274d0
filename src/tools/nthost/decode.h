/**
 * \file
 * Answers of SCSI commands, for people: bytes as a dump, then what they mean. Only as many bytes as
 * have arrived are looked at.
 */
#ifndef NTHOST_DECODE_H
#define NTHOST_DECODE_H

#include "tools/control/text.h"
#include "tools/nthost/scsi.h"

/** Sixteen bytes a line, with offset and text; lines that repeat the one before are left out. */
void print_hex(const void *data, size_t length);
/** Bytes in one line, blanks between them: "12 00 00". \return `buffer`. */
const char *hex_line(const void *data, size_t length, char *buffer, size_t size);
/** One line: how the command ended, and below it its sense data if there are some. */
void print_outcome(const struct scsi_command *command);

/** Standard INQUIRY data. */
void print_inquiry(const uint8_t *data, size_t length);
/** A vital product data page. */
void print_vpd(const uint8_t *data, size_t length);
void print_capacity(const struct scsi_geometry *geometry);
/** Parameter data of REPORT LUNS. */
void print_luns(const uint8_t *data, size_t length);
/** Sense data. */
void print_sense(const uint8_t *data, size_t length);
/** Parameter data of MODE SENSE(10): header, block descriptor, pages. */
void print_mode(const uint8_t *data, size_t length);
/** Format 0 of READ TOC. */
void print_toc(const uint8_t *data, size_t length);

#endif
