/// Why a cryptographic message is refused, by the step that failed.
package enum CMSFault: Error, Hashable, Sendable {
    case tooLarge(octets: Int, octetsMax: Int)
    case truncated
    case malformed(String)
    /// An algorithm outside the allow-list, or a known one with other parameters.
    case algorithm(String)
    case shortTag(octets: Int)
    case recipients(String)
    /// None of our keys is named as a recipient.
    case noKey
    /// Decryption or its tag failed: the octets were changed on the way.
    case altered
    case noSigner
    case secondSigner(signers: Int)
    case noSignedAttributes
    case weakDigest(String)
    case badSignature
    /// OpenSSL failed for a reason of its own.
    case library(step: String)

    init(_ error: PKIError) {
        switch error {
        case .truncated: self = .truncated
        case .tooLarge(_, let octets, let octetsMax): self = .tooLarge(octets: octets, octetsMax: octetsMax)
        case .algorithm(let name): self = .algorithm(name)
        case .library(let step): self = .library(step: step)
        case .malformed, .notPEM, .weakKey, .badSignature, .keyMismatch, .notAllowed, .value:
            self = .malformed(error.description)
        }
    }
}

extension CMSFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLarge(let octets, let octetsMax):
            "the sealed part of \(octets) octets is over the limit of \(octetsMax)"
        case .truncated: "the sealed part is cut short"
        case .malformed(let sentence): sentence
        case .algorithm(let name): "algorithm \(name) is not accepted"
        case .shortTag(let octets): "the authentication tag has \(octets) octets instead of 16"
        case .recipients(let sentence): sentence
        case .noKey: "the mail is sealed to none of our keys"
        case .altered: "the sealed part does not decrypt: its octets were changed"
        case .noSigner: "the content is signed by nobody, or its signer's certificate is missing"
        case .secondSigner(let signers): "the content has \(signers) signers instead of one"
        case .noSignedAttributes: "the signature has no signed attributes"
        case .weakDigest(let name): "the signature's digest \(name) is not accepted"
        case .badSignature: "the signature does not verify"
        case .library(let step): "OpenSSL failed to \(step)"
        }
    }
}
