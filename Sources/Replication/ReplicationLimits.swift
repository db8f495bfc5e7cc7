/// Sizes and counts of the protocol: above a `...Max` octets are refused before anything is allocated for them.
package enum ReplicationLimits {
    // MARK: Defaults

    /// What one part should weigh once it is sealed; a single larger object still travels as one part.
    package static let partTargetOctets = 1 << 20
    /// Whichever of this and `partTargetOctets` is reached first ends a part.
    package static let partTargetObjects = 1_000
    /// How many parts may be in flight for one request.
    package static let creditParts = 64
    /// A message expires this long after it was created.
    package static let messageLifeDays = 30
    /// A shorter lifetime counts as this one: else one leap of the clock would count for all of it, and mail, which
    /// lives no longer than tombstones, would be born expired.
    package static let tombstoneLifetimeDaysMin = 2

    // MARK: Whole messages

    /// The plain octets of one message.
    package static let partOctetsMax = 64 << 20
    package static let fieldsPerMessageMax = 256
    package static let objectsPerPartMax = 10_000
    package static let linksPerPartMax = 10_000
    /// What a request may ask for; a source takes the smaller of it and its own limits.
    package static let requestedOctetsMax = Int(Int32.max)
    package static let requestedObjectsMax = objectsPerPartMax
    package static let creditPartsMax = 65_536
    package static let partNumberMax = Int(Int32.max)

    // MARK: Comparisons

    /// Digests in one part of a comparison: 25 octets each.
    package static let comparisonObjectsMax = 40_000
    package static let comparisonPartsMax = 256

    // MARK: Items

    package static let bootRecordsMax = 32
    package static let errorTextOctetsMax = 1_024
    /// Entries of a vector, of `collected` and of a message's invocationID table.
    package static let vectorEntriesMax = 100_000
    /// OIDs of a message's table and of a partial attribute set; attributes of one object.
    package static let attributesPerMessageMax = 4_096
    package static let valuesPerAttributeMax = 1_000_000
    package static let valueOctetsMax = 16 << 20
    package static let oidOctetsMax = 64
    package static let digestOctets = 16
}
