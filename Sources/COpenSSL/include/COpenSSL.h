#ifndef COPENSSL_H
#define COPENSSL_H

#include <stddef.h>
#include <stdint.h>

// The part of OpenSSL that PKI needs, without OpenSSL's types: macros and stacks cannot be called from
// Swift, and no name here can clash with another TLS library's. Every function returns 1 (or a pointer)
// on success and 0 (or NULL) on failure; the error queue is emptied before each call returns.

/// Octets owned by the caller; released by bh_buffer_free.
typedef struct bh_buffer {
    uint8_t *bytes;
    size_t count;
} bh_buffer;

void bh_buffer_free(bh_buffer *buffer);

// PEM. The label is the text between "BEGIN " and the dashes; it is released by bh_text_free.
int bh_pem_encode(const char *label, const uint8_t *der, size_t der_count, bh_buffer *pem);
int bh_pem_decode(const uint8_t *pem, size_t pem_count, char **label, bh_buffer *der);
void bh_text_free(char *text);

// Keys. A bh_key is reference counted and never changes after it was made: threads may share it.
typedef struct bh_key bh_key;

bh_key *bh_key_generate_ec(const char *curve);
bh_key *bh_key_generate_rsa(unsigned bits);
bh_key *bh_key_from_pkcs8(const uint8_t *der, size_t count);
bh_key *bh_key_from_private_pem(const uint8_t *pem, size_t count);
bh_key *bh_key_from_public(const uint8_t *spki, size_t count);
void bh_key_free(bh_key *key);
int bh_key_to_pkcs8(const bh_key *key, bh_buffer *der);
int bh_key_to_public(const bh_key *key, bh_buffer *spki);
/// A structural check of the public half (RSA modulus and exponent, point on the curve).
int bh_key_public_check(const bh_key *key);
int bh_key_sign(const bh_key *key, const char *digest, const uint8_t *data, size_t count, bh_buffer *signature);
int bh_key_verify(const bh_key *key, const char *digest, const uint8_t *data, size_t count,
                  const uint8_t *signature, size_t signature_count);

// Digests.
typedef struct bh_digest bh_digest;

bh_digest *bh_digest_begin(const char *name);
int bh_digest_update(bh_digest *digest, const uint8_t *bytes, size_t count);
int bh_digest_finish(bh_digest *digest, uint8_t *octets, size_t capacity, size_t *count);
void bh_digest_free(bh_digest *digest);
int bh_hmac_sha256(const uint8_t *key, size_t key_count, const uint8_t *bytes, size_t count, uint8_t octets[32]);
int bh_random(uint8_t *octets, size_t count);

/// Checks that `leaf` hangs directly below `anchor`: names, signature, basicConstraints and key usage of the
/// CA, unknown critical extensions, strength (112 bits). Times are the caller's business.
///
/// Returns 0 when it does, or OpenSSL's X509_V_ERR code (-1 when a certificate cannot be read).
int bh_chain_check(const uint8_t *leaf, size_t leaf_count, const uint8_t *anchor, size_t anchor_count);
const char *bh_chain_error_text(int code);

// CMS. Certificates come as DER.
/// SignedData with the content inside: one signer named by key identifier, signed attributes, the signer's
/// certificate; `time` is written as the signing time (seconds since 1970).
int bh_cms_sign(const uint8_t *content, size_t content_count, const uint8_t *certificate,
                size_t certificate_count, const bh_key *key, const char *digest, int64_t time, bh_buffer *der);

typedef struct bh_recipient {
    const uint8_t *certificate;
    size_t certificate_count;
    /// Digest of the key derivation (EC) or of OAEP and MGF1 (RSA).
    const char *digest;
} bh_recipient;

/// AuthEnvelopedData, AES-256-GCM, recipients named by key identifier.
int bh_cms_encrypt(const uint8_t *content, size_t content_count, const bh_recipient *recipients,
                   size_t recipient_count, bh_buffer *der);
/// The plaintext, only after the tag was found right.
int bh_cms_decrypt(const uint8_t *der, size_t der_count, const uint8_t *certificate, size_t certificate_count,
                   const bh_key *key, bh_buffer *content);

typedef enum bh_verify_result {
    bh_verify_good = 0,
    bh_verify_unreadable = 1,
    bh_verify_no_signer_certificate = 2,
    bh_verify_bad_signature = 3,
} bh_verify_result;

/// Verifies the one signer's signature against the certificate inside the message; neither chain nor
/// revocation lists of the message are looked at.
bh_verify_result bh_cms_verify(const uint8_t *der, size_t der_count, bh_buffer *content, bh_buffer *signer);

#endif
