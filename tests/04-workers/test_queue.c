/*
 * The work queue: what is submitted runs once, in order, on a thread that was waiting or will
 * look; the threads rest
 * when they are told to, and are gone when the queue is.
 */
#include "machine.h"

#include <CUnit/CUnit.h>

#include "support/schedules.h"

#define MANY 12

static KEVENT gate;
static LONG inside, inside_most;

static NTSTATUS pass(PVMINI_WORK_ITEM item)
{
    (void)item;
    CHILD_CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    return STATUS_SUCCESS;
}

static NTSTATUS wait_at_gate(PVMINI_WORK_ITEM item)
{
    LONG now = InterlockedIncrement(&inside), most = ReadNoFence(&inside_most);

    (void)item;
    while (now > most && InterlockedCompareExchange(&inside_most, now, most) != most) {
        most = ReadNoFence(&inside_most);
    }
    KeWaitForSingleObject(&gate, Executive, KernelMode, FALSE, NULL);
    InterlockedDecrement(&inside);
    return STATUS_SUCCESS;
}

static void call_init(struct job *job, VMINI_WORK_ROUTINE *routine)
{
    job_init(job, VminiDoCall, 0, 0);
    job->item.Routine = routine;
}

/* --- running --- */

static void each_command_runs_and_ends_once(void *argument)
{
    static uint8_t data[4096];
    LONG unwanted = 0;
    VMINI_MEDIA_OPEN open = {.ReadOnly = TRUE, .Unwanted = &unwanted};
    SECURITY_QUALITY_OF_SERVICE quality = {sizeof(quality), SecurityImpersonation,
                                           SECURITY_STATIC_TRACKING, FALSE};
    SECURITY_CLIENT_CONTEXT client;
    WCHAR buffer[256];
    struct job job;
    PMDL mdl;

    (void)argument;
    machine_boot(1);
    VminiMediaClose(machine.media); /* Opened again below, by a worker. */

    CHILD_CHECK(SeCreateClientSecurity(PsGetCurrentThread(), &quality, FALSE, &client) ==
                STATUS_SUCCESS);
    open.Path = machine_nt_path(machine.path, buffer, 256);
    open.Client = &client;
    job_init(&job, VminiDoCreate, 0xFF, 0xFF);
    job.item.Open = &open;
    CHILD_CHECK(job_run(&job) == STATUS_SUCCESS && job.irql == PASSIVE_LEVEL);
    SeDeleteClientSecurity(&client);
    CHILD_CHECK(open.Media != NULL && open.Media->Size == MACHINE_FILE_SIZE &&
                open.Media->ReadOnly);
    machine.media = open.Media;

    job_transfer(&job, VminiDoRead, 512, data, sizeof(data));
    mdl = job.item.Mdl;
    CHILD_CHECK(job_run(&job) == STATUS_SUCCESS && job.information == sizeof(data));
    CHILD_CHECK(data[0] == machine_byte(512) && data[4095] == machine_byte(512 + 4095));
    job_free(&job, mdl);

    job_init(&job, VminiDoFlush, 0, 0);
    CHILD_CHECK(job_run(&job) == STATUS_SUCCESS);
    job_init(&job, VminiDoCompare, 0, 0);
    job.item.Length = 1000;
    CHILD_CHECK(job_run(&job) == STATUS_SUCCESS && job.information == 1000);
    call_init(&job, pass);
    CHILD_CHECK(job_run(&job) == STATUS_SUCCESS);

    job_init(&job, VminiDoClose, 0xFF, 0xFF);
    machine.media = NULL;
    CHILD_CHECK(job_run(&job) == STATUS_SUCCESS);
    CHILD_CHECK(host_file_counts().opens == host_file_counts().closes);
    machine_halt();
}

static void one_worker_keeps_the_order(void *argument)
{
    struct job jobs[MANY];

    (void)argument;
    machine_boot(1);
    for (unsigned i = 0; i < MANY; i++) {
        call_init(&jobs[i], pass);
        job_submit(&jobs[i]);
    }
    for (unsigned i = 0; i < MANY; i++) {
        job_wait(&jobs[i]);
        CHILD_CHECK(jobs[i].place == i + 1);
    }
    machine_halt();
}

static void submitting_at_dispatch_level(void *argument)
{
    struct job job;
    KIRQL irql;

    (void)argument;
    machine_boot(1);
    call_init(&job, pass);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    job_submit(&job);
    KeLowerIrql(irql);
    job_wait(&job);
    CHILD_CHECK(job.irql == PASSIVE_LEVEL);
    machine_halt();
}

/* --- threads --- */

static void as_many_at_once_as_threads(void *argument)
{
    unsigned threads = *(const unsigned *)argument;
    struct job jobs[MANY];

    machine_boot(threads);
    CHILD_CHECK(nt_system_threads() == threads);
    KeInitializeEvent(&gate, NotificationEvent, FALSE);
    for (unsigned i = 0; i < MANY; i++) {
        call_init(&jobs[i], wait_at_gate);
        job_submit(&jobs[i]);
    }
    settle();
    CHILD_CHECK(inside == (LONG)threads && machine.ended == 0);
    KeSetEvent(&gate, IO_NO_INCREMENT, FALSE);
    for (unsigned i = 0; i < MANY; i++) {
        job_wait(&jobs[i]);
    }
    settle();
    CHILD_CHECK(inside_most == (LONG)threads);
    /* All asleep, none of them told to look: no wake-up is left over to be wasted. */
    CHILD_CHECK(machine.queue->Idle == (LONG)threads &&
                KeReadStateSemaphore(&machine.queue->Wake) == 0);
    machine_halt();
}

static void test_threads(void)
{
    static const unsigned counts[] = {1, 2, 3, 7};

    for (unsigned i = 0; i < RTL_NUMBER_OF(counts); i++) {
        CHILD_PASSES(as_many_at_once_as_threads, (void *)(uintptr_t)&counts[i]);
    }
}

static void zero_threads_means_one_per_processor(void *argument)
{
    PVMINI_WORK_QUEUE queue;

    (void)argument;
    machine_boot(0);
    CHILD_CHECK(VminiWorkQueueCreate(&machine_callbacks, 0, machine.device, &queue) ==
                STATUS_SUCCESS);
    CHILD_CHECK(nt_system_threads() == KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS));
    VminiWorkQueueDestroy(queue);
    CHILD_CHECK(nt_system_threads() == 0); /* Ended, not about to end. */
    machine_halt();
}

/** Each allocation and each thread that a queue needs, refused: nothing is left behind. */
static void creation_fails_clean(void *argument)
{
    PVMINI_WORK_QUEUE queue = (PVMINI_WORK_QUEUE)1;

    (void)argument;
    machine_boot(0);
    nt_pool_fail(1, false);
    CHILD_CHECK(VminiWorkQueueCreate(&machine_callbacks, 3, machine.device, &queue) ==
                STATUS_INSUFFICIENT_RESOURCES);
    CHILD_CHECK(queue == NULL);
    nt_pool_fail(0, false);
    for (unsigned nth = 1; nth <= 3; nth++) {
        nt_thread_fail(nth);
        CHILD_CHECK(VminiWorkQueueCreate(&machine_callbacks, 3, machine.device, &queue) ==
                    STATUS_INSUFFICIENT_RESOURCES);
        CHILD_CHECK(queue == NULL && nt_system_threads() == 0);
        CHILD_CHECK(nt_pool_outstanding(VMINI_TAG_WORK, NULL) == 0);
    }
    CHILD_CHECK(VminiWorkQueueCreate(&machine_callbacks, 3, machine.device, &queue) ==
                STATUS_SUCCESS);
    VminiWorkQueueDestroy(queue);
    machine_halt();
}

/* --- wake-ups --- */

struct submitter {
    struct job jobs[4];
};

static void submit_all(void *argument)
{
    struct submitter *submitter = argument;

    for (unsigned i = 0; i < RTL_NUMBER_OF(submitter->jobs); i++) {
        job_submit(&submitter->jobs[i]);
    }
}

/** Two threads submit while the workers go to sleep and a third thread parks and unparks: whatever
 * the order, no item
 *  is left lying while a thread sleeps (the wait below would be a deadlock, which the scheduler
 *  reports). */
static void no_wake_up_is_lost(void *argument)
{
    struct submitter one, two;
    struct nt_thread *thread;

    (void)argument;
    machine_boot(2);
    for (unsigned i = 0; i < RTL_NUMBER_OF(one.jobs); i++) {
        call_init(&one.jobs[i], pass);
        call_init(&two.jobs[i], pass);
    }
    thread = sched_spawn("submitter", submit_all, &one);
    submit_all(&two);
    VminiWorkQueuePark(machine.queue, TRUE);
    VminiWorkQueuePark(machine.queue, FALSE);
    for (unsigned i = 0; i < RTL_NUMBER_OF(one.jobs); i++) {
        job_wait(&one.jobs[i]);
        job_wait(&two.jobs[i]);
    }
    nt_wait(thread, NULL);
    nt_object_dereference(thread);
    settle();
    CHILD_CHECK(machine.queue->Idle == 2);
    machine_halt();
}

static void test_wake_seeds(void)
{
    schedules_sweep(no_wake_up_is_lost, NULL, SCHED_RANDOM, 150);
}

/* --- parking --- */

static void parked_threads_start_nothing(void *argument)
{
    struct job running, early, late;

    (void)argument;
    machine_boot(2);
    KeInitializeEvent(&gate, NotificationEvent, FALSE);
    call_init(&running, wait_at_gate);
    job_submit(&running);
    settle();
    VminiWorkQueuePark(machine.queue, TRUE);
    VminiWorkQueuePark(machine.queue, TRUE); /* Twice is once. */
    call_init(&early, pass);
    call_init(&late, pass);
    job_submit(&early);
    KeSetEvent(&gate, IO_NO_INCREMENT, FALSE);
    settle();
    CHILD_CHECK(running.ended == 1 && early.ended == 0); /* What ran goes on to its end. */
    job_submit(&late);
    settle();
    CHILD_CHECK(late.ended == 0);
    VminiWorkQueuePark(machine.queue, FALSE);
    job_wait(&early);
    job_wait(&late);
    VminiWorkQueuePark(machine.queue, FALSE);
    settle();
    CHILD_CHECK(machine.queue->Idle == 2);
    machine_halt();
}

/* --- the end --- */

static void destroying_ends_what_is_left(void *argument)
{
    static uint8_t data[2][512];
    struct job hung, queued[3];
    PMDL mdl;

    (void)argument;
    machine_boot(1);
    fault(HOST_FILE_READ, 1, false, 0, ALL_BYTES, true);
    job_transfer(&hung, VminiDoRead, 0, data[0], 512);
    mdl = hung.item.Mdl;
    job_submit(&hung);
    settle();
    VminiWorkQueuePark(machine.queue, TRUE);
    for (unsigned i = 0; i < 3; i++) {
        job_init(&queued[i], VminiDoFlush, 0, (UCHAR)i);
        job_submit(&queued[i]);
    }
    machine_end_queue();
    CHILD_CHECK(hung.ended == 1 && hung.status == STATUS_CANCELLED);
    for (unsigned i = 0; i < 3; i++) {
        CHILD_CHECK(queued[i].ended == 1 && queued[i].status == STATUS_CANCELLED);
    }
    CHILD_CHECK(nt_system_threads() == 0);
    job_free(&hung, mdl);
    machine_halt();
}

/** A DO_CALL in no scope ends while the queue is being destroyed: its worker comes back to the
 *  list last. */
static void destroying_right_after_an_end(void *argument)
{
    struct job job;

    (void)argument;
    machine_boot(2);
    call_init(&job, pass);
    job.item.Address = (VMINI_ADDRESS){0xFF, 0xFF, 0xFF, 0};
    job_submit(&job);
    job_wait(&job);
    machine_end_queue();
    machine_halt();
}

static void test_destroy_seeds(void)
{
    schedules_sweep(destroying_right_after_an_end, NULL, SCHED_RANDOM, 60);
}

#define CASE(name)                                                                                 \
    static void test_##name(void)                                                                  \
    {                                                                                              \
        CHILD_PASSES(name, NULL);                                                                  \
    }
CASE(each_command_runs_and_ends_once)
CASE(one_worker_keeps_the_order)
CASE(submitting_at_dispatch_level)
CASE(zero_threads_means_one_per_processor)
CASE(creation_fails_clean)
CASE(parked_threads_start_nothing)
CASE(destroying_ends_what_is_left)

CU_ErrorCode register_queue_suite(void);
CU_ErrorCode register_queue_suite(void)
{
    CU_pSuite suite = CU_add_suite("04 queue", machine_folder_create, machine_folder_remove);

    if (suite == NULL ||
        CU_add_test(suite, "each command runs at PASSIVE_LEVEL and ends once",
                    test_each_command_runs_and_ends_once) == NULL ||
        CU_add_test(suite, "one worker keeps the order", test_one_worker_keeps_the_order) == NULL ||
        CU_add_test(suite, "an item may be submitted at DISPATCH_LEVEL",
                    test_submitting_at_dispatch_level) == NULL ||
        CU_add_test(suite, "as many items run at once as there are threads", test_threads) ==
            NULL ||
        CU_add_test(suite, "no number given: a thread per processor",
                    test_zero_threads_means_one_per_processor) == NULL ||
        CU_add_test(suite, "creation that fails leaves nothing", test_creation_fails_clean) ==
            NULL ||
        CU_add_test(suite, "no wake-up is lost, by seeds", test_wake_seeds) == NULL ||
        CU_add_test(suite, "parked threads start nothing", test_parked_threads_start_nothing) ==
            NULL ||
        CU_add_test(suite, "destroying ends what is queued and in flight",
                    test_destroying_ends_what_is_left) == NULL ||
        CU_add_test(suite, "destroying right after an end, by seeds", test_destroy_seeds) == NULL) {
        return CU_get_error();
    }
    return CUE_SUCCESS;
}
