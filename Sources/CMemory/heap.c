#include "CMemory.h"

#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>

__attribute__((constructor)) static void share_one_heap(void) { mallopt(M_ARENA_MAX, 1); }
#endif
