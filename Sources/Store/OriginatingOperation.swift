package import DirectoryModel
package import Identifiers

/// How a write names an object.
package enum ObjectReference: Hashable, Sendable {
    case dn(DistinguishedName)
    case guid(GUID)
}

/// One change of one attribute, values in LDAP's string form.
package struct Modification: Hashable, Sendable {
    package var operation: ModifyOperation
    package var attribute: String
    package var values: [[UInt8]]

    package init(_ operation: ModifyOperation, _ attribute: String, _ values: [[UInt8]] = []) {
        self.operation = operation
        self.attribute = attribute
        self.values = values
    }
}

/// A write that this DSA originates.
package enum OriginatingOperation: Sendable {
    /// The object's GUID is drawn unless it is given.
    case add(Entry, objectGUID: GUID? = nil)
    case modify(ObjectReference, [Modification])
    /// Renames, or moves when there is a new superior.
    case rename(ObjectReference, newRDN: RDN, deleteOldRDN: Bool, newSuperior: ObjectReference? = nil)
    /// A non-leaf only with `tree`.
    case delete(ObjectReference, tree: Bool = false)
    /// Under the stamped parent unless another is given.
    case undelete(GUID, newParent: ObjectReference? = nil)
}

/// Who asks for an originating write.
package enum WriteAuthor: Hashable, Sendable {
    /// The directory itself, which alone writes attributes with `systemOnly`.
    case directory
    case administrator
}

/// What became of one originating write.
package struct WriteResult: Hashable, Sendable {
    package let objectGUID: GUID
    /// The newest USN that the operation took; nil when there was nothing to change.
    package let usn: USN?

    package init(objectGUID: GUID, usn: USN?) {
        self.objectGUID = objectGUID
        self.usn = usn
    }
}
