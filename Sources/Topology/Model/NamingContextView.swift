package import Identifiers

/// crossRef: a naming context of the forest, known by the objectGUID of its crossRef.
package struct NamingContextView: Sendable {
    package enum Kind: Int, Hashable, Sendable {
        case schema, configuration, domain, application
    }

    package let guid: GUID
    /// Of the crossRef.
    package let dn: String
    /// Of the naming context itself.
    package let name: String
    package let kind: Kind
    /// The domain's administrator allows full replicas to replicate over mail.
    package let allowsReplicasOverMail: Bool

    /// Whether two full replicas may replicate over a transport other than IP.
    ///
    /// Schema, configuration and application naming contexts may; a domain only where its switch says so.
    /// - Source: MS-SRPL section 3.1.3; MS-ADTS section 6.2.2. The switch is Bridgehead's.
    package var mayJoinFullReplicasOverMail: Bool { kind != .domain || allowsReplicasOverMail }
}
