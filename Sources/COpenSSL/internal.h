#ifndef COPENSSL_INTERNAL_H
#define COPENSSL_INTERNAL_H

#include "COpenSSL.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static inline EVP_PKEY *bh_pkey(const bh_key *key) { return (EVP_PKEY *)(uintptr_t)key; }

BIO *bh_reader(const uint8_t *bytes, size_t count);
X509 *bh_certificate(const uint8_t *der, size_t count);
/// Copies what a memory BIO holds, which may be nothing.
int bh_take_bio(BIO *bio, bh_buffer *buffer);
int bh_take_copy(const uint8_t *bytes, size_t count, bh_buffer *buffer);
/// Takes over octets that OpenSSL allocated.
int bh_take_encoded(uint8_t *encoded, int count, bh_buffer *buffer);

#endif
