package import Identifiers
package import PKI

/// Why nothing was sealed.
package enum SealError: Error, Sendable, Hashable {
    /// Of the payload or of the finished mail; the estimate of a mail when it was not even made.
    case tooLarge(octets: Int, octetsMax: Int)
    /// The partner's certificate may not be encrypted to; same codes as for a received one.
    case recipient(OpenRefusal)
    case recipientNotYetValid(Timestamp)
    /// Our own certificate would be refused by the partner.
    case sender(OpenRefusal)
    case recipients(count: Int)
    /// A field that cannot be written, or an envelope that our own checks would refuse.
    case envelope(String)
    case cryptography(PKIError)
}

extension SealError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLarge(let octets, let octetsMax): "\(octets) octets are over the limit of \(octetsMax)"
        case .recipient(let refusal): "the partner's certificate is not sealed to: \(refusal.detail)"
        case .recipientNotYetValid(let time): "the partner's certificate is valid from \(time)"
        case .sender(let refusal): "the own certificate is not fit for sealing: \(refusal.detail)"
        case .recipients(let count):
            "\(count) certificates to seal to are out of 1 ... \(CMSWalk.recipientsMax)"
        case .envelope(let sentence): sentence
        case .cryptography(let error): error.description
        }
    }

    package var hint: String? {
        switch self {
        case .recipient(let refusal), .sender(let refusal): refusal.hint
        case .tooLarge: "cut the changes into smaller parts"
        case .cryptography(let error): error.hint
        case .recipientNotYetValid, .recipients, .envelope: nil
        }
    }
}
