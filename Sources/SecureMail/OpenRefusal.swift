import PKI
import SMTP

/// Why a mail is refused: a stable code, whose fault it is, and a sentence.
package struct OpenRefusal: Sendable, Hashable, Error {
    package let code: Code
    package let detail: String

    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    /// Stable words: they stand in `.reason` files, counters and vector files.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        case tooLarge = "too-large"
        case notMIME = "not-mime"
        case notOurs = "not-ours"
        case truncated
        case malformed
        case algorithm
        case shortTag = "short-tag"
        case recipients
        case noKey = "no-key"
        case altered
        case noSigner = "no-signer"
        case secondSigner = "second-signer"
        case noSignedAttributes = "no-signed-attributes"
        case weakDigest = "weak-digest"
        case badSignature = "bad-signature"
        case foreignCA = "foreign-ca"
        case wrongEKU = "wrong-eku"
        case wrongKU = "wrong-ku"
        case noIdentity = "no-identity"
        case revoked
        case incompatible
        case envelope
        case certificateDates = "certificate-dates"
        case expired
        case disabled
        case tombstoned
        case wrongFrom = "wrong-from"
        case wrongTo = "wrong-to"
        case wrongForest = "wrong-forest"
        case bomb
        case compression
        case library
    }

    /// Whose fault a refusal is.
    package enum Fault: String, Sendable, Hashable {
        /// The carrier damaged the mail, or delivered one that is not for us.
        case carrier
        /// A partner, or somebody who pretends to be one, broke the rules.
        case peerMisbehaved = "peer-misbehaved"
        /// A partner speaks a dialect that we do not accept.
        case peerIncompatible = "peer-incompatible"
        /// Nobody's: the mail is late, or its sender has left.
        case nobody
        /// Ours: this server failed.
        case ours
    }

    package var fault: Fault {
        switch code {
        case .notMIME, .notOurs, .truncated, .altered: .carrier
        case .algorithm, .shortTag, .weakDigest, .recipients, .incompatible, .tooLarge, .noSignedAttributes:
            .peerIncompatible
        case .malformed, .noSigner, .secondSigner, .badSignature, .foreignCA, .wrongEKU, .wrongKU,
            .noIdentity, .revoked, .envelope, .wrongFrom, .wrongTo, .wrongForest, .bomb, .compression:
            .peerMisbehaved
        case .expired, .certificateDates, .disabled, .tombstoned, .noKey: .nobody
        case .library: .ours
        }
    }

    /// What a person can do, where there is something.
    package var hint: String? {
        switch code {
        case .altered, .truncated:
            "a gateway changes mail on this route: run the mail self-test of both sites and compare"
        case .foreignCA: "the partner's CA certificate was renewed or replaced: install the new anchor"
        case .noKey: "the partner seals to a certificate whose key this server no longer has"
        case .revoked: "if the partner is trusted again, sign a new certificate for it"
        case .certificateDates: "renew the partner's certificate"
        case .incompatible: "update the older of the two servers"
        case .tooLarge: "raise the limit here, or lower the site link's limit there"
        case .notMIME, .notOurs, .malformed, .algorithm, .shortTag, .recipients, .noSigner, .secondSigner,
            .noSignedAttributes, .weakDigest, .badSignature, .wrongEKU, .wrongKU, .noIdentity, .envelope,
            .expired, .disabled, .tombstoned, .wrongFrom, .wrongTo, .wrongForest, .bomb, .compression,
            .library:
            nil
        }
    }
}

extension OpenRefusal: CustomStringConvertible {
    package var description: String { detail }
}

extension OpenRefusal {
    init(_ fault: CMSFault) {
        let code: Code
        switch fault {
        case .tooLarge: code = .tooLarge
        case .truncated: code = .truncated
        case .malformed: code = .malformed
        case .algorithm: code = .algorithm
        case .shortTag: code = .shortTag
        case .recipients: code = .recipients
        case .noKey: code = .noKey
        case .altered: code = .altered
        case .noSigner: code = .noSigner
        case .secondSigner: code = .secondSigner
        case .noSignedAttributes: code = .noSignedAttributes
        case .weakDigest: code = .weakDigest
        case .badSignature: code = .badSignature
        case .library: code = .library
        }
        self.init(code, fault.description)
    }

    init(_ error: MIMEError) {
        let code: Code
        switch error {
        case .noSealedPart, .emptySealedPart: code = .notOurs
        case .badBase64: code = .altered
        case .headerTooLarge, .tooManyHeaderFields, .headerLineTooLong, .malformedHeader, .headerNotEnded,
            .boundaryMissing, .tooManyParts, .tooDeep, .severalSealedParts, .unsupportedEncoding:
            code = .notMIME
        }
        self.init(code, error.description)
    }
}
