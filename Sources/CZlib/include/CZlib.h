#ifndef CZLIB_H
#define CZLIB_H

#include <stddef.h>
#include <stdint.h>

// gzip (RFC 1952) in one call each way; deflateInit2 and inflateInit2 are macros that Swift cannot call.

/// The most octets that bh_gzip_deflate can write for `count` octets.
size_t bh_gzip_bound(size_t count);

/// Writes one gzip member; level 0 (stored) ... 9. Returns the octets written, 0 on failure.
size_t bh_gzip_deflate(const uint8_t *in, size_t in_count, int level, uint8_t *out, size_t out_capacity);

typedef enum bh_inflate_result {
    bh_inflate_good = 0,
    /// Not gzip, a damaged stream, or a wrong checksum.
    bh_inflate_damaged = 1,
    /// The input ended inside the member.
    bh_inflate_truncated = 2,
    /// More output than `out_capacity`.
    bh_inflate_too_long = 3,
    /// The member ended before the input did.
    bh_inflate_trailing = 4,
} bh_inflate_result;

/// Reads exactly one gzip member that fills the whole input.
bh_inflate_result bh_gzip_inflate(const uint8_t *in, size_t in_count, uint8_t *out, size_t out_capacity,
                                  size_t *out_count);

#endif
