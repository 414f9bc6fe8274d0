/**
 * \file
 * For src/host/nt/csq.c in Wine's storport.sys: there is no simulator, only the DDK; and its
 * routines get names of their own, because Wine's kernel has stubs of the same name.
 */
#ifndef TESTS_WINE_NT_H
#define TESTS_WINE_NT_H

#include <ntifs.h>

#define NT_ROUTINE(MaximumIrql) ((void)0)

#define IoCsqInitialize    GlueCsqInitialize
#define IoCsqInitializeEx  GlueCsqInitializeEx
#define IoCsqInsertIrp     GlueCsqInsertIrp
#define IoCsqInsertIrpEx   GlueCsqInsertIrpEx
#define IoCsqRemoveNextIrp GlueCsqRemoveNextIrp
#define IoCsqRemoveIrp     GlueCsqRemoveIrp

#endif
