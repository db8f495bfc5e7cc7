package import Identifiers
package import PKI

/// What the directory says about a DSA at the moment of the snapshot.
package enum MemberState: Sendable, Hashable {
    case active
    case disabled
    case tombstoned
}

/// Who may speak in this forest, and how long old mail and old revocation lists are accepted.
package struct MembershipSnapshot: Sendable {
    package var forest: GUID
    package var ownDSA: GUID
    package var members: [GUID: MemberState]
    package var anchors: TrustAnchors
    /// Days behind a certificate's notAfter in which mail signed before it is still accepted.
    package var lateMailDays: Int
    /// Days behind a list's nextUpdate after which mail is marked `crlStale`.
    package var crlGraceDays: Int
    /// The longest life of a message.
    package var tombstoneLifetimeDays: Int

    package init(
        forest: GUID,
        ownDSA: GUID,
        members: [GUID: MemberState],
        anchors: TrustAnchors,
        lateMailDays: Int = 180,
        crlGraceDays: Int = 180,
        tombstoneLifetimeDays: Int = 180
    ) {
        self.forest = forest
        self.ownDSA = ownDSA
        self.members = members
        self.anchors = anchors
        self.lateMailDays = lateMailDays
        self.crlGraceDays = crlGraceDays
        self.tombstoneLifetimeDays = tombstoneLifetimeDays
    }
}
