package import Identifiers
import Replication

/// Which part is held: the place in its source's USN space where its interval begins.
///
/// What a source sends later for the same gap begins there, too, so that one copy of it is kept.
package struct HeldPartKey: Hashable, Sendable {
    package let namingContext: GUID
    package let source: GUID
    package let invocationID: GUID
    package let from: USN

    package init(namingContext: GUID, source: GUID, invocationID: GUID, from: USN) {
        self.namingContext = namingContext
        self.source = source
        self.invocationID = invocationID
        self.from = from
    }
}

extension HeldPartKey: CustomStringConvertible {
    /// `NC/source/invocationID/from`.
    package var description: String { "\(namingContext)/\(source)/\(invocationID)/\(from)" }

    package init?(_ text: String) {
        let pieces = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard pieces.count == 4, let namingContext = GUID(pieces[0]), let source = GUID(pieces[1]),
            let invocationID = GUID(pieces[2]), let from = Int64(pieces[3])
        else { return nil }
        self.init(namingContext: namingContext, source: source, invocationID: invocationID, from: USN(from))
    }
}

/// What a person said about a held part.
package enum HeldDecision: Int64, Hashable, Sendable, CaseIterable {
    case undecided = 0
    /// This data passes in spite of its poison, in whatever mail it comes.
    case released = 1
    /// This data is dropped without a word whenever it comes; other data in its place is held anew.
    case discarded = 2
}

/// What is known of a held part.
package struct HeldPart: Hashable, Sendable {
    package var key: HeldPartKey
    package var to: USN
    package var asOf: USN
    /// `HeldReason.code`.
    package var code: String
    /// The reason, without attribute values.
    package var sentence: String
    /// Of its data and of the poison in its vector.
    package var digest: [UInt8]
    package var firstSeen: Timestamp
    package var lastSeen: Timestamp
    /// How often it came, in this or another mail.
    package var times: Int
    package var decision: HeldDecision
    package var decided: Timestamp?
    package var decidedBy: String
}

/// What to do with the mail of a part that is held.
package enum HeldCopyFate: Hashable, Sendable {
    /// Keep it, instead of any copy kept before; `isNew`: people should hear of it.
    case keep(HeldPart, isNew: Bool)
    /// A newer copy is kept.
    case dropOlder(HeldPart)
    /// Somebody discarded this data.
    case dropDiscarded(HeldPart)
    /// So many parts are held that this one is not: the source sends it again.
    case dropFull
}
