#include "internal.h"

#include <openssl/rsa.h>
#include <string.h>
#include <time.h>

static int write_cms(CMS_ContentInfo *cms, bh_buffer *der) {
    uint8_t *encoded = NULL;
    int count = i2d_CMS_ContentInfo(cms, &encoded);
    return bh_take_encoded(encoded, count, der);
}

static CMS_ContentInfo *read_cms(const uint8_t *der, size_t count) {
    if (count > INT_MAX) return NULL;
    const uint8_t *end = der;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &end, (long)count);
    if (cms && end != der + count) {
        CMS_ContentInfo_free(cms);
        return NULL;
    }
    return cms;
}

int bh_cms_sign(const uint8_t *content, size_t content_count, const uint8_t *certificate,
                size_t certificate_count, const bh_key *key, const char *digest, int64_t time, bh_buffer *der) {
    // CMS_BINARY: without it the content is rewritten as text and octets are lost.
    const unsigned flags = CMS_BINARY | CMS_NOSMIMECAP | CMS_USE_KEYID | CMS_PARTIAL;
    BIO *in = bh_reader(content, content_count);
    X509 *signer = bh_certificate(certificate, certificate_count);
    CMS_ContentInfo *cms = in && signer ? CMS_sign(NULL, NULL, NULL, NULL, flags) : NULL;
    const EVP_MD *algorithm = EVP_get_digestbyname(digest);
    CMS_SignerInfo *info =
        cms && algorithm ? CMS_add1_signer(cms, signer, bh_pkey(key), algorithm, flags) : NULL;
    ASN1_TIME *signing_time = ASN1_TIME_set(NULL, (time_t)time);
    // Ours is set first; OpenSSL would otherwise write the system clock's.
    int done = info && signing_time
        && CMS_signed_add1_attr_by_NID(info, NID_pkcs9_signingTime, signing_time->type, signing_time, -1) == 1
        && CMS_final(cms, in, NULL, flags) == 1 && write_cms(cms, der);
    ASN1_TIME_free(signing_time);
    CMS_ContentInfo_free(cms);
    X509_free(signer);
    BIO_free(in);
    ERR_clear_error();
    return done;
}

static int add_recipient(CMS_ContentInfo *cms, const bh_recipient *recipient) {
    X509 *certificate = bh_certificate(recipient->certificate, recipient->certificate_count);
    const EVP_MD *digest = EVP_get_digestbyname(recipient->digest);
    CMS_RecipientInfo *info = certificate && digest
        ? CMS_add1_recipient_cert(cms, certificate, CMS_USE_KEYID | CMS_KEY_PARAM) : NULL;
    EVP_PKEY_CTX *parameters = info ? CMS_RecipientInfo_get0_pkey_ctx(info) : NULL;
    int done = 0;
    // OpenSSL's defaults (SHA-1 in the key derivation, PKCS#1 v1.5 padding) are replaced on every path.
    if (parameters && CMS_RecipientInfo_type(info) == CMS_RECIPINFO_AGREE)
        done = EVP_PKEY_CTX_set_ecdh_kdf_md(parameters, digest) > 0;
    else if (parameters && CMS_RecipientInfo_type(info) == CMS_RECIPINFO_TRANS)
        done = EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_OAEP_PADDING) > 0
            && EVP_PKEY_CTX_set_rsa_oaep_md(parameters, digest) > 0
            && EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, digest) > 0;
    X509_free(certificate);
    return done;
}

int bh_cms_encrypt(const uint8_t *content, size_t content_count, const bh_recipient *recipients,
                   size_t recipient_count, bh_buffer *der) {
    const unsigned flags = CMS_BINARY | CMS_PARTIAL;
    BIO *in = bh_reader(content, content_count);
    CMS_ContentInfo *cms = in ? CMS_encrypt(NULL, NULL, EVP_aes_256_gcm(), flags) : NULL;
    int done = cms != NULL;
    for (size_t index = 0; done && index < recipient_count; index++)
        done = add_recipient(cms, &recipients[index]);
    done = done && CMS_final(cms, in, NULL, flags) == 1 && write_cms(cms, der);
    CMS_ContentInfo_free(cms);
    BIO_free(in);
    ERR_clear_error();
    return done;
}

int bh_cms_decrypt(const uint8_t *der, size_t der_count, const uint8_t *certificate, size_t certificate_count,
                   const bh_key *key, bh_buffer *content) {
    CMS_ContentInfo *cms = read_cms(der, der_count);
    X509 *recipient = bh_certificate(certificate, certificate_count);
    BIO *out = BIO_new(BIO_s_mem());
    // Plaintext reaches `out` before the tag is compared: it is copied only after success was reported.
    int done = cms && recipient && out
        && CMS_decrypt(cms, bh_pkey(key), recipient, NULL, out, CMS_BINARY) == 1 && bh_take_bio(out, content);
    BIO_free(out);
    X509_free(recipient);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    return done;
}

static int take_signer(CMS_ContentInfo *cms, bh_buffer *signer) {
    STACK_OF(X509) *signers = CMS_get0_signers(cms);
    int done = 0;
    if (signers && sk_X509_num(signers) == 1) {
        uint8_t *encoded = NULL;
        int count = i2d_X509(sk_X509_value(signers, 0), &encoded);
        done = bh_take_encoded(encoded, count, signer);
    }
    sk_X509_free(signers);
    return done;
}

static int has_signer_certificate(CMS_ContentInfo *cms) {
    STACK_OF(X509) *certificates = CMS_get1_certs(cms);
    STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
    int found = 0;
    if (sk_CMS_SignerInfo_num(infos) == 1)
        for (int index = 0; index < sk_X509_num(certificates); index++)
            if (CMS_SignerInfo_cert_cmp(sk_CMS_SignerInfo_value(infos, 0), sk_X509_value(certificates, index)) == 0)
                found = 1;
    sk_X509_pop_free(certificates, X509_free);
    return found;
}

bh_verify_result bh_cms_verify(const uint8_t *der, size_t der_count, bh_buffer *content, bh_buffer *signer) {
    // The chain is checked by bh_chain_check; CRLs inside the message never count: a revoked key could
    // otherwise bring an old list along.
    const unsigned flags = CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY | CMS_NOCRL;
    CMS_ContentInfo *cms = read_cms(der, der_count);
    BIO *out = BIO_new(BIO_s_mem());
    bh_verify_result result = bh_verify_unreadable;
    if (cms && out) {
        if (!has_signer_certificate(cms))
            result = bh_verify_no_signer_certificate;
        else if (CMS_verify(cms, NULL, NULL, NULL, out, flags) != 1)
            result = bh_verify_bad_signature;
        else if (take_signer(cms, signer) && bh_take_bio(out, content))
            result = bh_verify_good;
    }
    BIO_free(out);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    return result;
}
