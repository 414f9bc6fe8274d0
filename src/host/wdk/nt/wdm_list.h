/*
 * Lists and fail-fast: the list operations of the WDK, which are inlines and import nothing. They
 * check the neighbours' links as Windows 8 and later do, and end in bugcheck 0x139 where a list is
 * corrupt. Nothing here locks: the caller does. Both builds use this file (mingw's own versions do
 * not check), so that a .so and a .sys behave alike; it may use no type that mingw's DDK lacks.
 */
#pragma once

/** Ends the system for a broken invariant; `__fastfail` on Windows. \irql{any} */
FORCEINLINE VOID RtlFailFast(ULONG Code)
{
    KeBugCheckEx(KERNEL_SECURITY_CHECK_FAILURE, Code, 0, 0, 0);
}

FORCEINLINE VOID FatalListEntryError(PVOID First, PVOID Second, PVOID Third)
{
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    UNREFERENCED_PARAMETER(Third);
    RtlFailFast(FAST_FAIL_CORRUPT_LIST_ENTRY);
}

/** Stops the system if the neighbours of `Entry` do not point back at it. */
FORCEINLINE VOID RtlpCheckListEntry(PLIST_ENTRY Entry)
{
    if (Entry->Flink->Blink != Entry || Entry->Blink->Flink != Entry) {
        FatalListEntryError(Entry->Blink, Entry, Entry->Flink);
    }
}

FORCEINLINE VOID InitializeListHead(PLIST_ENTRY ListHead)
{
    ListHead->Flink = ListHead;
    ListHead->Blink = ListHead;
}

FORCEINLINE BOOLEAN IsListEmpty(const LIST_ENTRY *ListHead)
{
    return ListHead->Flink == ListHead;
}

/** Unlinks `Entry`; returns TRUE if the list is empty now. The links of `Entry` stay as they
 * were. */
FORCEINLINE BOOLEAN RemoveEntryList(PLIST_ENTRY Entry)
{
    PLIST_ENTRY next = Entry->Flink;
    PLIST_ENTRY previous = Entry->Blink;

    if (next->Blink != Entry || previous->Flink != Entry) {
        FatalListEntryError(previous, Entry, next);
    }
    previous->Flink = next;
    next->Blink = previous;
    return next == previous;
}

FORCEINLINE PLIST_ENTRY RemoveHeadList(PLIST_ENTRY ListHead)
{
    PLIST_ENTRY entry = ListHead->Flink;
    PLIST_ENTRY next = entry->Flink;

    if (entry->Blink != ListHead || next->Blink != entry) {
        FatalListEntryError(ListHead, entry, next);
    }
    ListHead->Flink = next;
    next->Blink = ListHead;
    return entry;
}

FORCEINLINE PLIST_ENTRY RemoveTailList(PLIST_ENTRY ListHead)
{
    PLIST_ENTRY entry = ListHead->Blink;
    PLIST_ENTRY previous = entry->Blink;

    if (entry->Flink != ListHead || previous->Flink != entry) {
        FatalListEntryError(previous, entry, ListHead);
    }
    ListHead->Blink = previous;
    previous->Flink = ListHead;
    return entry;
}

FORCEINLINE VOID InsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY Entry)
{
    PLIST_ENTRY previous = ListHead->Blink;

    if (previous->Flink != ListHead) {
        FatalListEntryError(previous, ListHead, previous->Flink);
    }
    Entry->Flink = ListHead;
    Entry->Blink = previous;
    previous->Flink = Entry;
    ListHead->Blink = Entry;
}

FORCEINLINE VOID InsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY Entry)
{
    PLIST_ENTRY next = ListHead->Flink;

    if (next->Blink != ListHead) {
        FatalListEntryError(ListHead, next, next->Blink);
    }
    Entry->Flink = next;
    Entry->Blink = ListHead;
    next->Blink = Entry;
    ListHead->Flink = Entry;
}

/** Appends the entries of the headless list `ListToAppend` to the list at `ListHead`. */
FORCEINLINE VOID AppendTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListToAppend)
{
    PLIST_ENTRY end = ListHead->Blink;

    RtlpCheckListEntry(ListHead);
    RtlpCheckListEntry(ListToAppend);
    ListHead->Blink->Flink = ListToAppend;
    ListHead->Blink = ListToAppend->Blink;
    ListToAppend->Blink->Flink = ListHead;
    ListToAppend->Blink = end;
}

FORCEINLINE VOID PushEntryList(PSINGLE_LIST_ENTRY ListHead, PSINGLE_LIST_ENTRY Entry)
{
    Entry->Next = ListHead->Next;
    ListHead->Next = Entry;
}

FORCEINLINE PSINGLE_LIST_ENTRY PopEntryList(PSINGLE_LIST_ENTRY ListHead)
{
    PSINGLE_LIST_ENTRY first = ListHead->Next;

    if (first != NULL) {
        ListHead->Next = first->Next;
    }
    return first;
}
