// The wrappers are all in the header; a C target needs one source file, and this one proves that it compiles.
#include "CCurl.h"
