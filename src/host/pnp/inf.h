/**
 * \file
 * The INF parser: what plug and play reads before a driver can be loaded. It turns the text of an
 * INF into sections, lines and fields, and answers the installer's one question: "this hardware ID
 * on this Windows: which class, service, files and registry values?". It is plain libc, touches
 * nothing but the file that it is given, and never guesses: what it cannot understand it names,
 * with the line and the remedy.
 *
 * Every string is UTF-8. Strings and section or line handles live until inf_close().
 *
 * Numbers of findings are InfVerif's (1000-2999). Where Microsoft documents several numbers for one
 * rule without saying which is which (1233/1234, 1280/1281, 1320-1322, 1340/1341), the split is
 * ours. 9000 and above are ours.
 */
#ifndef HOST_PNP_INF_H
#define HOST_PNP_INF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Our own numbers, for what InfVerif has no (known) number. */
enum {
    INF_CODE_NO_CATALOG = 9001,  /**< The catalog that the INF names is not in the package. */
    INF_CODE_TYPOGRAPHIC = 9002, /**< A typographic quotation mark: pasted from a page. */
    INF_CODE_BAD_TOKEN = 9003,   /**< A number, GUID, flag, root key or decoration that is none. */
    INF_CODE_NO_HWID = 9004,     /**< No model has this hardware ID. */
    INF_CODE_NO_TARGET = 9005,   /**< No models for this platform or build. */
    INF_CODE_SECURITY = 9006,    /**< The security descriptor is malformed or too generous. */
    INF_CODE_UNSUPPORTED = 9007, /**< Correct on Windows, not implemented by this host. */
    INF_CODE_WRONG_CLASS = 9008, /**< A setup class, but not that of a storage adapter. */
};

enum inf_severity { INF_WARNING, INF_ERROR };

/** One thing that is wrong with an INF, and what to do about it. */
struct inf_finding {
    enum inf_severity severity;
    unsigned code;
    unsigned line;   /**< From 1; 0: about the file as a whole. */
    unsigned column; /**< In characters, from 1. */
    char file[256];
    char message[400];
    char remedy[400];
};

/** A growing list of findings. Initialise with zeros; release with inf_findings_free(). */
struct inf_findings {
    struct inf_finding *items;
    size_t count;
    size_t capacity;
};

/**
 * Empties a list.
 *
 * \param findings  the list; it may be used again.
 */
void inf_findings_free(struct inf_findings *findings);
/**
 * Counts.
 *
 * \param findings  the list.
 * \param severity  warnings or errors.
 * \return how many of them there are.
 */
size_t inf_findings_count(const struct inf_findings *findings, enum inf_severity severity);
/**
 * Looks for a number.
 *
 * \param findings  the list.
 * \param code      InfVerif's number, or INF_CODE_*.
 * \return the first finding with it, or NULL.
 */
const struct inf_finding *inf_findings_find(const struct inf_findings *findings, unsigned code);
/**
 * Writes `file:line:column: error 1203: message remedy`, the form that editors jump to.
 *
 * \param finding  what to write.
 * \param buffer   receives the text; 1200 bytes hold any.
 * \param size     of the buffer, in bytes.
 * \return as snprintf().
 */
int inf_finding_format(const struct inf_finding *finding, char *buffer, size_t size);

/** Which Windows the driver is installed on. Product type and suite are not looked at. */
struct inf_target {
    const char *architecture; /**< amd64, x86, arm64, arm or ia64. */
    unsigned major;
    unsigned minor;
    unsigned build;
};

/** Windows 10 1709 x64, the oldest that this project's driver is for. */
#define INF_TARGET_1709 ((struct inf_target){"amd64", 10, 0, 16299})

/* --- the text: sections, lines, fields --- */

struct inf_file;
struct inf_section;
struct inf_line;

/**
 * Reads and parses an INF: ANSI (code page 1252), UTF-8 with a byte order mark, or UTF-16LE with
 * one.
 *
 * \param path   the file.
 * \param error  receives the reason when NULL is returned: 1000 no file, 1002 syntax, 1003
 *               encoding.
 * \return the INF, to be closed with inf_close(), or NULL.
 */
struct inf_file *inf_open(const char *path, struct inf_finding *error);
/**
 * As inf_open(), from memory.
 *
 * \param name    what messages call it.
 * \param bytes   the file's contents; not needed afterwards.
 * \param length  in bytes.
 * \param error   as for inf_open().
 * \return the INF, or NULL.
 */
struct inf_file *inf_parse_memory(const char *name, const void *bytes, size_t length,
                                  struct inf_finding *error);
/**
 * Frees an INF, and with it every string and handle that came from it.
 *
 * \param inf  may be NULL.
 */
void inf_close(struct inf_file *inf);
/**
 * What messages call the INF.
 *
 * \param inf  the INF.
 * \return the path or name that it was opened with.
 */
const char *inf_name(const struct inf_file *inf);

/**
 * Chooses the [Strings] section as Windows does: [Strings.<language>], else the neutral one of that
 * language, else any of that language, else [Strings]. Exactly one section is used, so each must
 * define every token. 0409h (English, US) is in force after opening.
 *
 * \param inf       the INF; strings that it gave before stay valid and stay as they were.
 * \param language  a language identifier.
 */
void inf_set_language(struct inf_file *inf, uint16_t language);
/**
 * Which [Strings] section is in force.
 *
 * \param inf  the INF.
 * \return its name, or NULL when the INF has none.
 */
const char *inf_strings_name(const struct inf_file *inf);

/* Sections of the same name are one section, and names are compared without case. An index that is
 * too high and a name that is not there give NULL. */
size_t inf_section_count(const struct inf_file *inf);
const struct inf_section *inf_section_at(const struct inf_file *inf, size_t index);
const struct inf_section *inf_find_section(const struct inf_file *inf, const char *name);
const char *inf_section_name(const struct inf_section *section);
unsigned inf_section_line(const struct inf_section *section);

size_t inf_line_count(const struct inf_section *section);
const struct inf_line *inf_line_at(const struct inf_section *section, size_t index);
unsigned inf_line_number(const struct inf_line *line);
/**
 * Finds the first line `key = ...`.
 *
 * \param inf      the INF.
 * \param section  the section's name.
 * \param key      the key.
 * \return the line, or NULL when the section or the key is missing.
 */
const struct inf_line *inf_find_line(const struct inf_file *inf, const char *section,
                                     const char *key);
/**
 * Finds the next line `key = ...`.
 *
 * \param section  where to look.
 * \param key      the key.
 * \param after    the line to go on from; NULL = from the beginning.
 * \return the line, or NULL.
 */
const struct inf_line *inf_next_line(const struct inf_section *section, const char *key,
                                     const struct inf_line *after);

/**
 * Counts a line's values.
 *
 * \param line  the line.
 * \return how many there are; the key does not count.
 */
size_t inf_field_count(const struct inf_line *line);
/**
 * A field with its %strings% substituted, as SetupGetStringField gives it. A token that no
 * [Strings] defines stays as it is written (inf_check() reports it); a directory (%13%) stays too.
 *
 * \param line   the line.
 * \param index  0 is the key, values count from 1.
 * \return the text, or NULL when the line has no such field.
 */
const char *inf_field_string(const struct inf_line *line, size_t index);
/**
 * Reads a decimal or 0x number of 32 bits.
 *
 * \param line   the line.
 * \param index  as for inf_field_string().
 * \param value  receives the number.
 * \return false when the field is missing or is no such number.
 */
bool inf_field_uint(const struct inf_line *line, size_t index, uint32_t *value);
/**
 * Where a field begins in the file.
 *
 * \param line    the line.
 * \param index   as for inf_field_string().
 * \param row     receives the line's number, from 1.
 * \param column  receives the column in characters, from 1.
 * \return false when the line has no such field.
 */
bool inf_field_position(const struct inf_line *line, size_t index, unsigned *row, unsigned *column);

/* --- what an installer needs --- */

/** Where a registry write goes; HKR depends on the section that its AddReg stands in. */
enum inf_root {
    INF_ROOT_SERVICE, /**< HKR of a service section: Services\\name. */
    INF_ROOT_DRIVER,  /**< HKR of DDInstall: the device's software key. */
    INF_ROOT_DEVICE,  /**< HKR of DDInstall.HW: the device's hardware key. */
    INF_ROOT_LOCAL_MACHINE,
    INF_ROOT_CLASSES,
    INF_ROOT_CURRENT_USER,
    INF_ROOT_USERS,
};

/** winnt.h's registry types. */
enum {
    INF_REG_NONE = 0,
    INF_REG_SZ = 1,
    INF_REG_EXPAND_SZ = 2,
    INF_REG_BINARY = 3,
    INF_REG_DWORD = 4,
    INF_REG_MULTI_SZ = 7
};

/** Bits of an AddReg entry's flags that say how, not what, is written (setupapi.h, FLG_ADDREG_*).
 */
enum {
    INF_ADDREG_NOCLOBBER = 0x02,
    INF_ADDREG_DELVAL = 0x04,
    INF_ADDREG_APPEND = 0x08,
    INF_ADDREG_KEYONLY = 0x10,
    INF_ADDREG_OVERWRITEONLY = 0x20
};

/** One value that installing writes. */
struct inf_registry_write {
    enum inf_root root;
    const char *subkey; /**< "" = the root key itself. */
    const char *value;  /**< "" = the key's unnamed value. */
    uint32_t type;
    uint32_t flags; /**< As written, INF_ADDREG_* among them. */
    const uint8_t
        *data; /**< As the registry stores it: little-endian, UTF-16LE with terminators. */
    size_t size;
    const char *text; /**< REG_SZ and REG_EXPAND_SZ: the string; else NULL. */
    uint32_t dword;   /**< REG_DWORD: the number. */
    unsigned line;
};

/** One file that installing copies. */
struct inf_copy {
    const char *source;        /**< Name in the package. */
    const char *source_subdir; /**< Below the INF's directory; "" = beside the INF. */
    const char *target;
    uint32_t target_dirid; /**< 13 = Driver Store, 12 = System32\\drivers ... */
    const char *target_subdir;
    unsigned line;
};

/** The service that AddService makes. */
struct inf_service {
    const char *name;
    const char *display_name; /**< "" when not given; so the other optional ones. */
    const char *description;
    const char *load_order_group;
    uint32_t flags; /**< 2 = SPSVCINST_ASSOCSERVICE: the device's function driver. */
    uint32_t type;
    uint32_t start;
    uint32_t error_control;
    const char *binary;      /**< With the directory as a symbol: "%13%\\vmini.sys". */
    uint32_t binary_dirid;   /**< 13 in the example. */
    const char *binary_file; /**< "vmini.sys" in the example. */
    unsigned line;
};

/** Everything that installing one hardware ID does. Release with inf_install_free() before
 * inf_close(). */
struct inf_install {
    const char *class_name;
    const char *class_guid;
    const char *provider;
    const char *driver_date; /**< mm/dd/yyyy. */
    const char *driver_version;
    const char *catalog; /**< "" when the INF names none. */
    bool pnp_lockdown;
    const char *manufacturer;
    const char *description;
    const char *hardware_id; /**< As the INF writes it. */
    const char *models_section;
    const char *install_section;
    const char *security; /**< SDDL for the device's objects; "" = the class's default. */
    struct inf_service service;
    struct inf_registry_write *writes;
    size_t write_count;
    struct inf_copy *copies;
    size_t copy_count;
};

/**
 * The [Models] section that a line of [Manufacturer] leads to on a target: of the decorations that
 * apply, the one with the highest version, then the highest build, then a named architecture. A
 * line without a decoration is for x86 only.
 *
 * \param inf       the INF.
 * \param line      a line of its [Manufacturer].
 * \param target    the Windows to choose for.
 * \param findings  receives a malformed decoration, or a section that is missing.
 * \return the section, or NULL: the line has none for this target.
 * Source: INF Manufacturer Section, TargetOSVersion.
 */
const struct inf_section *inf_choose_models(const struct inf_file *inf, const struct inf_line *line,
                                            const struct inf_target *target,
                                            struct inf_findings *findings);

/**
 * Finds the model for a hardware ID and collects what installing it does. Whether a missing catalog
 * matters is inf_check()'s to say: here it is a warning.
 *
 * \param inf          the INF.
 * \param hardware_id  compared without case with every ID of every model for the target; NULL takes
 *                     the first that there is.
 * \param target       the Windows to install on.
 * \param out          filled when true is returned, freed with inf_install_free(); else empty.
 * \param findings     receives every reason; may hold earlier findings.
 * \return true when the INF can be installed.
 */
bool inf_resolve_install(const struct inf_file *inf, const char *hardware_id,
                         const struct inf_target *target, struct inf_install *out,
                         struct inf_findings *findings);
/**
 * Frees what inf_resolve_install() has collected.
 *
 * \param install  may be empty.
 */
void inf_install_free(struct inf_install *install);

/* --- what InfVerif would say --- */

/** How strict inf_check() is. */
struct inf_check_options {
    struct inf_target target; /**< A Windows that the INF must have models for. */
    bool test_signing;        /**< A missing catalog is a warning instead of an error. */
    const char *package_dir;  /**< Where the catalog must lie; NULL = it is not looked for. */
};

/**
 * Checks a whole INF: every platform, model and install section in it, not only the target's.
 *
 * \param inf       the INF.
 * \param options   how strict.
 * \param findings  receives errors and warnings; may hold earlier findings.
 * \return true when there is no error (there may be warnings).
 */
bool inf_check(const struct inf_file *inf, const struct inf_check_options *options,
               struct inf_findings *findings);

#endif
