/*
 * Microsoft's source annotations (SAL and the driver annotations of the WDK), as macros that
 * expand to nothing. They are kept in the driver's source because they are its contract: at which
 * IRQL a routine runs, what it does to a lock, which buffer has which length. On Windows the code
 * analyser checks them; here they are read by people, and by the verifier's authors. This header
 * serves both builds (the mingw glue includes it too), so it must contain nothing but annotations,
 * and where mingw's sal.h and driverspecs.h have one too, the parameter names are theirs.
 */
#pragma once

/* Parameters: direction. */
#define _In_
#define _In_opt_
#define _In_z_
#define _In_opt_z_
#define _Out_
#define _Out_opt_
#define _Inout_
#define _Inout_opt_
#define _Inout_z_
#define _Outptr_
#define _Outptr_opt_
#define _Outptr_result_maybenull_
#define _Outptr_opt_result_maybenull_
#define _Outptr_result_nullonfailure_
#define _Reserved_
#define _Const_

/* Parameters: size of the buffer. */
#define _In_reads_(s)
#define _In_reads_opt_(s)
#define _In_reads_z_(s)
#define _In_reads_bytes_(s)
#define _In_reads_bytes_opt_(s)
#define _In_range_(low, hi)
#define _Out_range_(low, hi)
#define _Out_writes_(s)
#define _Out_writes_opt_(s)
#define _Out_writes_z_(s)
#define _Out_writes_all_(s)
#define _Out_writes_to_(s, c)
#define _Out_writes_bytes_(s)
#define _Out_writes_bytes_opt_(s)
#define _Out_writes_bytes_all_(s)
#define _Out_writes_bytes_to_(s, c)
#define _Out_writes_bytes_to_opt_(s, c)
#define _Inout_updates_(s)
#define _Inout_updates_opt_(s)
#define _Inout_updates_bytes_(s)
#define _Inout_updates_bytes_opt_(s)
#define _Outptr_result_buffer_(s)
#define _Outptr_result_bytebuffer_(s)
#define _Field_size_(s)
#define _Field_size_opt_(s)
#define _Field_size_bytes_(size)
#define _Field_size_bytes_opt_(s)
#define _Field_size_bytes_part_(s, c)
#define _Field_range_(min, max)
#define _Field_z_
#define _Struct_size_bytes_(size)
#define _Null_terminated_
#define _NullNull_terminated_
#define _Maybenull_
#define _Notnull_
#define _Printf_format_string_

/* What holds before, after and about the result. */
#define _Pre_
#define _Pre_notnull_
#define _Pre_maybenull_
#define _Pre_valid_
#define _Pre_satisfies_(c)
#define _Post_
#define _Post_invalid_
#define _Post_maybenull_
#define _Post_notnull_
#define _Post_ptr_invalid_
#define _Post_satisfies_(c)
#define _Post_writable_byte_size_(s)
#define _Post_equal_to_(expr)
#define _Ret_maybenull_
#define _Ret_notnull_
#define _Ret_range_(low, hi)
#define _Return_type_success_(expr)
#define _Success_(expr)
#define _On_failure_(anno_list)
#define _Always_(anno_list)
#define _When_(e, a)
#define _At_(e, a)
#define _Group_(a)
#define _Check_return_
#define _Must_inspect_result_
#define _Use_decl_annotations_
#define _Analysis_assume_(expr)
#define _Analysis_noreturn_

/* Driver annotations: roles, IRQL. */
#define _Function_class_(name)
#define _Dispatch_type_(code)
#define _IRQL_requires_(x)
#define _IRQL_requires_max_(x)
#define _IRQL_requires_min_(x)
#define _IRQL_requires_same_
#define _IRQL_raises_(x)
#define _IRQL_saves_
#define _IRQL_restores_
#define _IRQL_saves_global_(kind, param)
#define _IRQL_restores_global_(kind, param)
#define _IRQL_always_function_max_(irql)
#define _IRQL_always_function_min_(irql)
#define _IRQL_uses_cancel_
#define _IRQL_is_cancel_

/* Driver annotations: locks and critical regions. */
#define _Acquires_lock_(lock)
#define _Releases_lock_(lock)
#define _Requires_lock_held_(lock)
#define _Requires_lock_not_held_(lock)
#define _Requires_no_locks_held_
#define _Guarded_by_(lock)
#define _Write_guarded_by_(lock)
#define _Interlocked_
#define _Interlocked_operand_
#define _Has_lock_kind_(kind)
#define _Has_lock_level_(level)
#define _Acquires_exclusive_lock_(lock)
#define _Releases_exclusive_lock_(lock)
#define _Acquires_shared_lock_(lock)
#define _Releases_shared_lock_(lock)
#define _Create_lock_level_(level)
#define _Lock_level_order_(a, b)
#define _Enters_critical_region_
#define _Leaves_critical_region_

/* Driver annotations: who owns what. */
#define _Kernel_clear_do_init_(yes)
#define _Kernel_requires_resource_held_(kind)
#define _Kernel_requires_resource_not_held_(kind)
#define _Kernel_acquires_resource_(kind)
#define _Kernel_releases_resource_(kind)
#define _Kernel_IoGetDmaAdapter_
#define __drv_allocatesMem(kind)
#define __drv_freesMem(kind)
#define __drv_aliasesMem
#define __drv_when(x, y)
#define __drv_maxIRQL(x)
#define __drv_strictTypeMatch(mode)
#define __drv_declspec(text)
