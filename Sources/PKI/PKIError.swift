/// Why a key, certificate, list or cryptographic message could not be read, made or trusted.
package enum PKIError: Error, Hashable, Sendable {
    /// The octets are not what the named structure demands; the sentence says where.
    case malformed(String)
    /// The octets end before the structure does.
    case truncated(String)
    case tooLarge(what: String, octets: Int, octetsMax: Int)
    case notPEM(expected: String)
    /// An algorithm outside the allow-list.
    case algorithm(String)
    case weakKey(String)
    case badSignature(String)
    /// Private key and certificate do not belong together.
    case keyMismatch
    /// A certificate that may not do what it is asked to.
    case notAllowed(String)
    /// A value that cannot be written into a certificate.
    case value(String)
    /// OpenSSL refused a step that has no cause on our side (no memory, no randomness).
    case library(step: String)
}

extension PKIError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformed(let sentence): sentence
        case .truncated(let what): "\(what) is cut short"
        case .tooLarge(let what, let octets, let octetsMax):
            "\(what) of \(octets) octets is over the limit of \(octetsMax)"
        case .notPEM(let expected): "no PEM block \"\(expected)\" found"
        case .algorithm(let name): "algorithm \(name) is not accepted"
        case .weakKey(let sentence): sentence
        case .badSignature(let what): "the signature of \(what) does not verify"
        case .keyMismatch: "the private key does not belong to the certificate"
        case .notAllowed(let sentence): sentence
        case .value(let sentence): sentence
        case .library(let step): "OpenSSL failed to \(step)"
        }
    }

    package var hint: String? {
        switch self {
        case .notPEM: "show the file's first line: PEM begins with -----BEGIN"
        case .weakKey: "use P-256, P-384 or RSA of 2048 bits and more"
        case .keyMismatch: "the key file and the certificate file come from different requests"
        case .malformed, .truncated, .tooLarge, .algorithm, .badSignature, .notAllowed, .value, .library: nil
        }
    }
}
