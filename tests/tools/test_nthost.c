/**
 * \file
 * The command line `nthost`, run as a person or a script runs it: what it prints, and its exit
 * status.
 */
#include "tools/shell.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the command line --- */

static void test_usage(void)
{
    EXPECT(tool(NULL), 2, "usage: nthost SUBCOMMAND");
    EXPECT(tool("--help", NULL), 0, "nthost run", "nthost demo");
    EXPECT(tool("help", "run", NULL), 0, "--read-only", "--seed N", "86 bugcheck");
    EXPECT(tool("help", "demo", NULL), 0, "--output");
    EXPECT(tool("run", "--help", NULL), 0, "usage: nthost run");
    EXPECT(tool("--version", NULL), 0, "nthost 1.");
    EXPECT(tool("fly", NULL), 2, "there is no subcommand \"fly\"", "what to do: nthost --help");
    EXPECT(tool("help", "fly", NULL), 2, "there is no subcommand \"fly\"");
    EXPECT(tool("run", "--colour", NULL), 2, "unknown or ambiguous option --colour", "what to do");
    EXPECT(tool("run", "--disk", NULL), 2, "option --disk wants a value");
    EXPECT(tool("run", "image", NULL), 2, "\"image\" is no option");
    EXPECT(tool("run", "--seed", "-1", NULL), 2, "seed \"-1\" is no number");
    EXPECT(tool("run", "--seed", "12x", NULL), 2, "seed \"12x\" is no number");
    EXPECT(tool("run", "--as", "root", NULL), 2, "no such kind of user");
    EXPECT(tool("demo", "--disk", "a.img", NULL), 2,
           "the demo wants one --disk, one --cdrom and an --output");
}

static void test_missing_files(void)
{
    make_image("empty.inf", 0);
    EXPECT(tool("run", "--driver", "nowhere.so", NULL), 1, "driver nowhere.so: No such file",
           "make build");
    EXPECT(tool("run", "--driver", ".", NULL), 1, "driver . is no regular file");
    EXPECT(tool("run", "--driver", shell.driver, "--inf", "nowhere.inf", NULL), 1,
           "INF nowhere.inf: No such file", "--inf FILE");
    EXPECT(tool("run", "--driver", shell.driver, "--inf", "empty.inf", NULL), 1, "empty.inf",
           "what to do");
    EXPECT(tool("run", "--driver", "/etc/passwd", NULL), 1, "/etc/passwd", "what to do");
    EXPECT(tool("run", "--driver", shell.driver, "--script", "nowhere.txt", NULL), 1,
           "script nowhere.txt: No such file");
    EXPECT(tool("run", "--driver", shell.driver, "--trace", "no/where.txt", NULL), 1,
           "trace no/where.txt: No such file");
    EXPECT(tool("run", "--driver", shell.driver, "--disk", "nowhere.img", NULL), 1,
           "connect nowhere.img: there is no such file");
}

/** --set takes the numbers that the INF knows, and nothing else. */
static void test_parameters(void)
{
    EXPECT(tool("run", "--set", "NumberOfBuses", NULL), 2, "is no NAME=VALUE");
    EXPECT(tool("run", "--set", "=3", NULL), 2, "is no NAME=VALUE");
    EXPECT(tool("run", "--set", "NumberOfBuses=many", NULL), 2,
           "NumberOfBuses \"many\" is no number");
    EXPECT(tool("serve", "--set", "NumberOfBuses=", "disk.img", NULL), 2, "is no number");
    EXPECT(tool("run", "--driver", shell.driver, "--set", "NumberOfBusses=3", NULL), 2,
           "--set NumberOfBusses: service \"vmini\" has no such number",
           "BreakOnEntry, TraceLevel, TraceFlags, NumberOfWorkers, NumberOfBuses");
    EXPECT(tool("serve", "--driver", shell.driver, "--set", "Typo=3", "disk.img", NULL), 2,
           "--set Typo: service");
    copy_of_inf("more.inf", "HKR,\"Parameters\",\"BreakOnEntry\"",
                "HKR,\"Parameters\",\"More\",0x00010001,0\n"
                "HKR,\"Parameters\",\"BreakOnEntry\"");
    EXPECT(tool("run", "--driver", shell.driver, "--inf", "more.inf", "--set", "more=3", NULL), 0,
           "");
    EXPECT(script("ping\n", "--set", "numberofbuses=3"), 0, "3 bus(es)");
}

/* --- every command --- */

/* Each command at least once; test_every_command proves that. */
static const char whole_tour[] = "# a comment\n"
                                 "\n"
                                 "help\n"
                                 "help connect\n"
                                 "ping\n"
                                 "connect disk.img --removable --thin --at 0:2:0\n"
                                 "connect cd.iso --cdrom\n"
                                 "list\n"
                                 "units\n"
                                 "devices\n"
                                 "bus-type\n"
                                 "inquiry 0:2:0\n"
                                 "inquiry 0:2:0 0x80\n"
                                 "inquiry 0:2:0 0x83\n"
                                 "inquiry 0:0:0\n"
                                 "ready 0:2:0\n"
                                 "capacity 0:2:0\n"
                                 "luns 0:2:0\n"
                                 "sense 0:2:0\n"
                                 "mode 0:2:0 8\n"
                                 "toc 0:0:0\n"
                                 "write 0:2:0 4 4 lba\n"
                                 "read 0:2:0 6 1\n"
                                 "read 0:2:0 0 2048 all.bin\n"
                                 "write 0:2:0 0 2048 all.bin\n"
                                 "verify 0:2:0 0 2048 all.bin\n"
                                 "verify 0:2:0 0 2048\n"
                                 "! verify 0:2:0 4 4 zero\n"
                                 "flush 0:2:0\n"
                                 "flush 0:2:0 --srb\n"
                                 "eject 0:2:0\n"
                                 "! ready 0:2:0\n"
                                 "load 0:2:0\n"
                                 "cdb 0:2:0 12 00 00 00 05 00 in 5 five.bin\n"
                                 "cdb 0:2:0 ff0000000000\n"
                                 "reset unit 0:2:0\n"
                                 "reset target 0:2:0\n"
                                 "reset bus 0:2:0\n"
                                 "scan\n"
                                 "events\n"
                                 "user standard\n"
                                 "! disconnect 0:2:0\n"
                                 "user administrator\n"
                                 "fault read 1 EIO\n"
                                 "! read 0:2:0 0 1\n"
                                 "fault clear\n"
                                 "stop\n"
                                 "! read 0:2:0 0 1\n"
                                 "restart\n"
                                 "disconnect disk.img\n"
                                 "disconnect 0:0:0\n"
                                 "settle 2\n"
                                 "trace 5\n"
                                 "census\n"
                                 "reg query HKLM\\SYSTEM\n"
                                 "inf check vmini.inf --test-signing\n"
                                 "remove\n"
                                 "why\n"
                                 "unload\n"
                                 "start\n"
                                 "echo all \"of it\" done\n"
                                 "quit\n"
                                 "bogus\n";

static void test_tour(void)
{
    make_image("disk.img", 1 << 20);
    make_image("cd.iso", 1 << 20);
    copy_of_inf("vmini.inf", NULL, NULL);
    EXPECT(script(whole_tour, NULL, NULL), 0,
           "interface version 1: 1 bus(es) x 16 targets x 8 logical units, 0 connected",
           "0:2:0  disk.img  2048 blocks of 512 bytes (1.0 MiB)",
           "0:0:0  cd.iso  512 blocks of 2048 bytes (1.0 MiB)",
           "0:2:0  enumerated    1.0 MiB removable thin", "1.0 MiB CD-ROM", "class driver started",
           "product              \"VIRTUAL DISK\"", "serial number", "NAA", "CD-ROM or DVD",
           "blocks               2048", "capacity             1.0 MiB", "LUN                  0",
           "sense 0/00/00: NO SENSE", "caching              08h: 08 12",
           "lead-out             at block 512", "00 00 00 00 00 00 00 06",
           "2048 block(s) of 512 bytes verified from LBA 0",
           "as expected: 0:2:0: VERIFY(10) ended with ERROR (0x04): MISCOMPARE",
           "NOT READY, MEDIUM NOT PRESENT (2/3A/00)",
           "INQUIRY: SRB SUCCESS, SCSI GOOD, 5 byte(s) moved",
           "command FFh: SRB ERROR, SCSI CHECK CONDITION, 0 byte(s) moved",
           "INVALID COMMAND OPERATION CODE", "#1 arrival 0:2:0",
           "the user may not open the adapter", "MEDIUM ERROR, UNRECOVERED READ ERROR (3/11/00)",
           "read: the adapter is stopped",
           "ROOT\\SCSIADAPTER\\0000  root\\vmini  service vmini  started",
           "  SCSI\\DiskVMINI___VIRTUAL_DISK____", "HKLM\\SYSTEM\\CurrentControlSet",
           "vmini.inf: 0 error(s), 1 warning(s)", "SRBs ", "unloaded; nothing was left behind",
           "started", "all of it done");
}

/** The tour leaves nothing out: each name that `help` prints begins one of its lines. */
static void test_every_command(void)
{
    struct result result = script("help\n", NULL, NULL);
    unsigned found = 0;

    for (char *line = strtok(result.text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char begin[32];

        if (line[0] != ' ' || line[1] != ' ' || line[2] == ' ') {
            continue; /* A heading, or a line that goes on. */
        }
        snprintf(begin, sizeof(begin), "\n%.*s", (int)strcspn(line + 2, " "), line + 2);
        if (strstr(whole_tour, begin) == NULL) {
            fprintf(stderr, "\n--- the tour never runs:%s\n", begin);
            CU_FAIL("a command without a test");
        }
        found++;
    }
    CU_ASSERT(found > 30);
    free(result.text);
}

/* --- bad input --- */

static void test_bad_images(void)
{
    char long_line[700];

    make_image("good.img", 4096);
    make_image("empty.img", 0);
    make_image("short.img", 100);
    make_image("odd.img", 1000);
    make_image("block.img", 512);
    mkdir("folder", 0755);
    CU_ASSERT(symlink("loop.img", "loop.img") == 0 || errno == EEXIST);
    EXPECT(script("connect missing.img\n", NULL, NULL), 1,
           "script.txt:1: connect missing.img: there is no such file", "what to do");
    EXPECT(script("connect no/missing.img\n", NULL, NULL), 1,
           "a directory on the way to it does not exist", "what to do");
    EXPECT(script("connect folder\n", NULL, NULL), 1, "it is a directory", "what to do");
    EXPECT(script("connect empty.img\n", NULL, NULL), 1, "it is empty", "what to do");
    EXPECT(script("connect short.img\n", NULL, NULL), 1, "shorter than one block", "what to do");
    EXPECT(script("connect odd.img\n", NULL, NULL), 1,
           "1000 bytes are no multiple of the block size 512",
           "the last 488 bytes would be missing", "what to do: truncate");
    EXPECT(script("connect block.img --cdrom\n", NULL, NULL), 1, "shorter than one block",
           "what to do");
    EXPECT(script("connect loop.img\n", NULL, NULL), 1, "connect loop.img", "what to do");
    EXPECT(script("connect good.img\nconnect ./good.img\n", NULL, NULL), 1,
           "script.txt:2:", "it is connected already");
    EXPECT(script("connect good.img\nconnect block.img --at 0:0:0\n", NULL, NULL), 1,
           "the address is taken");
    EXPECT(script("connect good.img --at 1:0:0\n", NULL, NULL), 1, "beyond the adapter's limits",
           "what to do: `ping`");
    EXPECT(script("connect good.img --at 0:0\n", NULL, NULL), 1, "\"0:0\" is no address of a unit");
    EXPECT(script("connect good.img --fast\n", NULL, NULL), 1,
           "unknown or incomplete option --fast");
    EXPECT(script("connect a b\n", NULL, NULL), 1, "connect takes one path");
    EXPECT(script("connect \\\\server\\share\\x.img\n", NULL, NULL), 1,
           "the server cannot be found", "--unc DIR");
    EXPECT(script("disconnect good.img\n", NULL, NULL), 1, "nothing is connected there", "`list`");
    EXPECT(script("disconnect 0:3:0\n", NULL, NULL), 1,
           "disconnect 0:3:0: nothing is connected there");
    snprintf(long_line, sizeof(long_line), "connect /%0600d\n", 0);
    EXPECT(script(long_line, NULL, NULL), 1, "the path is too long", "what to do");
}

/** Rights are another user's: what root may do proves nothing. */
static void test_rights(void)
{
    static const char commands[] = "ping\nlist\nconnect seen.img --read-only\n";

    make_image("mine.img", 4096);
    make_image("seen.img", 4096);
    chmod("mine.img", 0600);
    chmod("seen.img", 0644);
    EXPECT(script("connect mine.img\n", "--as", "administrator:65534"), 1,
           "connect mine.img: the user may not open it", "STATUS_ACCESS_DENIED",
           "what to do: give the user the right");
    EXPECT(script("connect seen.img\n", "--as", "administrator:65534"), 1,
           "the user may not open it");
    EXPECT(script("connect seen.img --read-only\n! write 0:0:0 0 1 zero\n", "--as",
                  "administrator:65534"),
           0, "DATA PROTECT, WRITE PROTECTED (7/27/00)");
    EXPECT(script("ping\n", "--as", "standard"), 1, "the user may not open the adapter",
           "do it as administrator");
    /* An INF that lets everybody in: then each command is asked for its privilege. */
    copy_of_inf("open.inf", "(A;;GA;;;BA)", "(A;;GA;;;BA)(A;;GRGW;;;WD)");
    write_file("script.txt", commands, sizeof(commands) - 1);
    EXPECT(tool("run", "--driver", shell.driver, "--inf", "open.inf", "--as", "standard",
                "--script", "script.txt", NULL),
           1, "nothing is connected",
           "script.txt:3: connect seen.img: the user lacks the manage-volume privilege",
           "do it as administrator");
}

static void test_bad_commands(void)
{
    make_image("disk.img", 1 << 20);
    EXPECT(script("echo one\n\nbogus\necho two\n", NULL, NULL), 1, "one",
           "script.txt:3: there is no command \"bogus\"");
    EXPECT(script("! echo fine\n", NULL, NULL), 1, "this had to fail, and did not");
    EXPECT(script("echo \"open\n", NULL, NULL), 1, "a quote is open");
    EXPECT(script("inquiry\n", NULL, NULL), 1, "usage: inquiry P:T:L [PAGE]");
    EXPECT(script("inquiry 0:0:0 0x100\n", NULL, NULL), 1,
           "page \"0x100\" is no number from 0 to 255");
    EXPECT(script("inquiry 0:0:300\n", NULL, NULL), 1, "\"0:0:300\" is no address");
    EXPECT(script("inquiry 0:0:0\n", NULL, NULL), 1, "0:0:0: INQUIRY ended with NO_DEVICE (0x08)",
           "`units` lists");
    EXPECT(script("cdb 0:0:0 1\n", NULL, NULL), 1, "\"1\" is not made of bytes");
    EXPECT(script("cdb 0:0:0 12 in\n", NULL, NULL), 1, "is not understood");
    EXPECT(script("cdb 0:0:0 00 out nowhere.bin\n", NULL, NULL), 1, "nowhere.bin: No such file");
    EXPECT(script("reset world 0:0:0\n", NULL, NULL), 1, "\"world\" is no level of reset");
    EXPECT(script("user root\n", NULL, NULL), 1, "\"root\" is no kind of user");
    EXPECT(script("fault read 1 EWHAT\n", NULL, NULL), 1, "\"EWHAT\" is no fault", "ENOSPC");
    EXPECT(script("fault read 0 EIO\n", NULL, NULL), 1, "NTH counts from 1");
    EXPECT(script("unload\n", NULL, NULL), 1, "still has a started device",
           "remove the adapter first");
    EXPECT(script("connect disk.img\nread 0:0:0 2048 1\n", NULL, NULL), 1,
           "ILLEGAL REQUEST, LOGICAL BLOCK ADDRESS OUT OF RANGE (5/21/00)", "`capacity`");
    EXPECT(script("connect disk.img\nread 0:0:0 0 65\n", NULL, NULL), 1,
           "65 blocks are too many to print");
    EXPECT(script("connect disk.img\nread 0:0:0 0 1 no/where\n", NULL, NULL), 1,
           "no/where: No such file");
    EXPECT(script("connect disk.img\nwrite 0:0:0 0 1 nowhere.bin\n", NULL, NULL), 1,
           "nowhere.bin: No such file");
    EXPECT(script("connect disk.img\nwrite 0:0:0 0 9 short.bin\n", NULL, NULL), 1, "short.bin");
}

/* --- what happens underneath --- */

static void test_faults(void)
{
    make_image("disk.img", 1 << 20);
    EXPECT(script("connect disk.img\n"
                  "fault write 1 ENOSPC\n! write 0:0:0 0 1 ones\n"
                  "fault read 1 EIO\n! read 0:0:0 0 1\n"
                  "fault write 1 short=100\n! write 0:0:0 0 1 ones\n"
                  "fault read 1 hang\n! read 0:0:0 0 1\n"
                  "read 0:0:0 0 1\nevents\n",
                  NULL, NULL),
           0, "SPACE ALLOCATION FAILED WRITE PROTECT (7/27/07)", "UNRECOVERED READ ERROR (3/11/00)",
           "WRITE ERROR (3/0C/00)", "READ(10) ended with BUS_RESET", "media error 0:0:0",
           "STATUS_DISK_FULL", "STATUS_IO_DEVICE_ERROR");
    EXPECT(script("fault open 1 EMFILE\nconnect disk.img\n", NULL, NULL), 1,
           "too many files are open", "ulimit");
}

/** What is written arrives in the file, and nothing else. */
static void test_data_reach_the_file(void)
{
    static const struct {
        const char *option, *value;
    } ways[] = {{NULL, NULL}, {"--legacy-srbs", NULL}, {"--real", NULL}, {"--no-verifier", NULL}};
    char *bytes, wanted[2048 * 512];
    size_t length;

    memset(wanted, 0, sizeof(wanted));
    memset(wanted + 5 * 512, 0xA5, 3 * 512);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        make_image("disk.img", sizeof(wanted));
        EXPECT(script("connect disk.img\nwrite 0:0:0 5 3 0xa5\nread 0:0:0 0 2048 back.bin\n",
                      ways[i].option, ways[i].value),
               0, "3 block(s) of 512 bytes written from LBA 5");
        bytes = read_file("disk.img", &length);
        CU_ASSERT(length == sizeof(wanted) && memcmp(bytes, wanted, length) == 0);
        free(bytes);
        bytes = read_file("back.bin", &length);
        CU_ASSERT(length == sizeof(wanted) && memcmp(bytes, wanted, length) == 0);
        free(bytes);
    }
}

static void test_images_of_the_command_line(void)
{
    make_image("disk.img", 1 << 20);
    make_image("cd.iso", 1 << 20);
    write_file("script.txt", "list\n! write 0:0:0 0 1 ones\n", 28);
    EXPECT(tool("run", "--driver", shell.driver, "--disk", "disk.img", "--cdrom", "cd.iso",
                "--read-only", "--removable", "--script", "script.txt", NULL),
           0, "0:0:0  disk.img  2048 blocks", "0:1:0  cd.iso  512 blocks", "read-only removable",
           "WRITE PROTECTED");
    EXPECT(tool("run", "--driver", shell.driver, "--disk", "disk.img", "--set", "NumberOfBuses=3",
                NULL),
           0, "0:0:0  disk.img");
    EXPECT(script("why\nstart\nwhy\n", "--no-start", NULL), 0, "nothing has been started yet",
           "The adapter works");
    EXPECT(script("inquiry 0:9:0\n", "--verbose", NULL), 1, "callback HwStartIo");
}

static void test_network(void)
{
    mkdir("net", 0755);
    mkdir("net/server", 0755);
    mkdir("net/server/share", 0755);
    make_image("net/server/share/far.img", 1 << 20);
    EXPECT(script("connect \\\\server\\share\\far.img\nlist\nwrite 0:0:0 0 4 ones\nflush 0:0:0\n",
                  "--unc", "net"),
           0, "0:0:0  \\\\server\\share\\far.img  2048 blocks", "4 block(s) of 512 bytes written");
    EXPECT(script("connect \\\\server\\other\\far.img\n", "--unc", "net"), 1,
           "the server has no such share", "--unc DIR");
}

/** Standard input is a script, too. */
static void test_standard_input(void)
{
    char *arguments[] = {shell.nthost, (char *)"run", (char *)"--driver", shell.driver, NULL};

    write_file("input.txt", "echo hello\nbogus\n", 17);
    EXPECT(shell_spawn(shell.nthost, arguments, "input.txt"), 1, "hello",
           "stdin:2: there is no command \"bogus\"");
}

/** One run with every record in a file. */
static char *trace_of(const char *seed)
{
    static const char commands[] =
        "connect disk.img\nwrite 0:0:0 0 64 lba\nread 0:0:0 0 64 out.bin\nreset unit 0:0:0\n"
        "disconnect disk.img\n";
    struct result result;

    make_image("disk.img", 1 << 20);
    write_file("script.txt", commands, sizeof(commands) - 1);
    result = tool("run", "--driver", shell.driver, "--seed", seed, "--trace", "trace.txt",
                  "--script", "script.txt", NULL);
    CU_ASSERT(ended(&result, 0));
    free(result.text);
    return read_file("trace.txt", NULL);
}

static void test_same_seed_same_trace(void)
{
    char *first = trace_of("7"), *again = trace_of("7"), *other = trace_of("8");

    CU_ASSERT(strstr(first, "callback DriverEntry") != NULL);
    CU_ASSERT(strstr(first, "callback DriverUnload") != NULL);
    CU_ASSERT_STRING_EQUAL(first, again);
    CU_ASSERT_STRING_NOT_EQUAL(first, other);
    free(first);
    free(again);
    free(other);
}

/** A driver that breaks a rule: status 86, the rule in words, and the trace written in spite of
 * it. A fixture does its misdeed for a service whose name ends in "g", so the INF is changed to
 * install such a one. */
static void test_bugcheck(void)
{
    char *trace;
    struct result result;

    copy_of_inf("wrong.inf", "AddService = vmini,", "AddService = wrong,");
    result =
        tool("run", "--driver", shell.culprit, "--inf", "wrong.inf", "--trace", "trace.txt", NULL);
    CU_ASSERT(ended(&result, 86));
    CU_ASSERT(contains(&result, "*** STOP: 0x"));
    CU_ASSERT(contains(&result, "[irql-too-high]"));
    free(result.text);
    trace = read_file("trace.txt", NULL);
    CU_ASSERT(strstr(trace, "callback DriverEntry") != NULL && strstr(trace, "bugcheck") != NULL);
    free(trace);
}

/* --- the demo --- */

/** 1 MiB without a file system: blocks that differ, and in its third quarter nothing but zeros. */
static void make_disk(void)
{
    static char bytes[1 << 20];
    uint32_t state = 1;

    for (size_t i = 0; i < sizeof(bytes); i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = i / (sizeof(bytes) / 4) == 2 ? 0 : (char)(state >> 24);
    }
    write_file("source.img", bytes, sizeof(bytes));
}

static void test_demo(void)
{
    char *before, *after, *copy;
    size_t length, copied;

    make_disk();
    make_image("cd.iso", 1 << 20);
    make_image("copy.img", 10);
    chmod("source.img", 0444);
    before = read_file("source.img", &length);
    EXPECT(tool("demo", "--driver", shell.driver, "--disk", "source.img", "--cdrom", "cd.iso",
                "--output", "copy.img", NULL),
           0, "DriverEntry@0 ", "HwFindAdapter@0", "2048 x 512 bytes (1.0 MiB), read-only",
           "CDB 12 00 00 00 24 00 ->",
           "36 bytes: 00 00 06 02 1f 00 00 02 ... \"VMINI   VIRTUAL DISK\"", ": HwStartIo",
           "file read of 4096 bytes", "holds no ISO 9660 volume descriptor",
           "sense 5/21/00: ILLEGAL REQUEST", "4 READ and 3 WRITE SRBs",
           "1 transfers of zeros left out", "every byte is equal",
           "units on the bus: 3 -> 0; files closed: 3", "DriverUnload@0", "pool blocks");
    after = read_file("source.img", NULL);
    copy = read_file("copy.img", &copied);
    CU_ASSERT(memcmp(before, after, length) == 0);
    CU_ASSERT(copied == length && memcmp(before, copy, length) == 0);
    free(before);
    free(after);
    free(copy);
}

static void test_demo_bad_input(void)
{
    make_disk();
    make_image("cd.iso", 1 << 20);
    make_image("empty.img", 0);
    EXPECT(tool("demo", "--driver", shell.driver, "--disk", "nowhere.img", "--cdrom", "cd.iso",
                "--output", "copy.img", NULL),
           1, "connect nowhere.img: there is no such file");
    EXPECT(tool("demo", "--driver", shell.driver, "--disk", "source.img", "--cdrom", "empty.img",
                "--output", "copy.img", NULL),
           1, "connect empty.img: it is empty");
    EXPECT(tool("demo", "--driver", shell.driver, "--disk", "source.img", "--cdrom", "cd.iso",
                "--output", "source.img", NULL),
           1, "source.img is one of the sources");
    EXPECT(tool("demo", "--driver", shell.driver, "--disk", "source.img", "--cdrom", "cd.iso",
                "--output", "no/where.img", NULL),
           1, "no/where.img: No such file");
}

/** mk/demo.sh as `make demo` calls it; `build` gets its files. */
static struct result demo_script(const char *disk)
{
    char command[3 * PATH_MAX + 64], build[PATH_MAX];
    char *const arguments[] = {(char *)"sh", (char *)"-c", command, NULL};

    snprintf(build, sizeof(build), "%.4000s", shell.nthost);
    *strrchr(build, '/') = '\0';
    snprintf(command, sizeof(command), "BUILD='%s' DISK='%s' ISO= '%s/mk/demo.sh'", build, disk,
             shell.project);
    return shell_spawn("sh", arguments, "/dev/null");
}

static void test_demo_script(void)
{
    EXPECT(demo_script(""), 0, "volume \"VMINI_DEMO\"", "byte for byte", "fsck.fat -n", "5 files",
           "disk and CD-ROM image are what they were before", "Try next");
    EXPECT(demo_script("/no/such.img"), 1, "DISK=/no/such.img: there is no such file",
           "what to do");
    EXPECT(demo_script("/tmp"), 1, "DISK=/tmp is no regular file", "what to do");
}

CU_ErrorCode register_nthost_suite(void);
CU_ErrorCode register_nthost_suite(void)
{
    static const struct {
        const char *name;
        CU_TestFunc run;
    } tests[] = {
        {"help, version and bad options", test_usage},
        {"missing driver, INF, script, image", test_missing_files},
        {"--set and the names that the INF has", test_parameters},
        {"a tour of every command", test_tour},
        {"the tour leaves no command out", test_every_command},
        {"bad images and addresses", test_bad_images},
        {"rights of another user", test_rights},
        {"bad commands name the line and the remedy", test_bad_commands},
        {"faults of the file become sense data", test_faults},
        {"data reach the file, whichever SRB and scheduler", test_data_reach_the_file},
        {"images and settings of the command line", test_images_of_the_command_line},
        {"an image on the network", test_network},
        {"standard input is a script", test_standard_input},
        {"the same seed prints the same trace", test_same_seed_same_trace},
        {"a bugcheck ends with 86 and leaves the trace", test_bugcheck},
        {"the demo copies and spares its source", test_demo},
        {"the demo says what is wrong with its input", test_demo_bad_input},
        {"make demo's script", test_demo_script},
    };
    CU_pSuite suite = CU_add_suite("nthost: the command line", shell_set_up, shell_tear_down);

    if (suite == NULL) {
        return CU_get_error();
    }
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (CU_add_test(suite, tests[i].name, tests[i].run) == NULL) {
            return CU_get_error();
        }
    }
    return CUE_SUCCESS;
}
