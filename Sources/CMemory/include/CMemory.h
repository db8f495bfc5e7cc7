#ifndef CMEMORY_H
#define CMEMORY_H

// A program that this is linked into has one heap for all its threads, from its first instruction on.
//
// By default glibc gives threads heaps of their own, up to eight for each processor, and what is freed in one of them
// is not used by another: a DSA that is filled grows with what it receives. There is nothing to call: once a second
// thread has allocated, which is before an asynchronous main runs, its heap stays in use whatever is set.
// Other C libraries than glibc are left as they are.

#endif
