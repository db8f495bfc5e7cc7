/// Why octets are no schedule; counts and offsets are in octets.
package enum ScheduleError: Error, Hashable, Sendable, CustomStringConvertible {
    case wrongLength(Int)
    case wrongSizeField(UInt32)
    case wrongCount(UInt32)
    case wrongType(UInt32)
    case wrongOffset(UInt32)

    package var description: String {
        switch self {
        case .wrongLength(let octets): "\(octets) octets instead of \(Schedule.octetCount)"
        case .wrongSizeField(let size): "its size field says \(size) instead of \(Schedule.octetCount)"
        case .wrongCount(let count): "it holds \(count) schedules instead of one"
        case .wrongType(let type): "its schedule is of type \(type) instead of 0, an interval"
        case .wrongOffset(let offset):
            "its hours begin at octet \(offset) instead of \(Schedule.headerOctets)"
        }
    }
}

// MARK: - Active Directory's octets

extension Schedule {
    /// Header and hours.
    package static let octetCount = 188
    static let headerOctets = 20

    /// Reads the attribute `schedule`: five little-endian words, then one octet for each of 168 hours.
    ///
    /// Only the low half of an hour's octet counts; its highest bit, 0x8, is the first quarter. The bandwidth
    /// field and the high halves are passed over.
    /// - Throws: the first field that is wrong.
    /// - Source: MS-ADTS sections 6.1.4.5.1 and 6.1.4.5.2.
    package init(octets: some Collection<UInt8>) throws(ScheduleError) {
        let octets = Array(octets)
        guard octets.count == Self.octetCount else { throw .wrongLength(octets.count) }
        let field = { (index: Int) in
            (0..<4).reduce(UInt32(0)) { $0 | UInt32(octets[index * 4 + $1]) << UInt32($1 * 8) }
        }
        guard field(0) == UInt32(Self.octetCount) else { throw .wrongSizeField(field(0)) }
        guard field(2) == 1 else { throw .wrongCount(field(2)) }
        guard field(3) == 0 else { throw .wrongType(field(3)) }
        guard field(4) == UInt32(Self.headerOctets) else { throw .wrongOffset(field(4)) }
        self.init(
            open: (0..<Self.quartersPerWeek).filter {
                octets[Self.headerOctets + $0 / 4] & (0x8 >> UInt8($0 % 4)) != 0
            }
        )
    }

    /// The attribute's value: `octetCount` octets, with zero bandwidth and zero high halves.
    package var octets: [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(Self.octetCount)
        for field in [UInt32(Self.octetCount), 0, 1, 0, UInt32(Self.headerOctets)] {
            for shift in stride(from: UInt32(0), to: 32, by: 8) {
                octets.append(UInt8(truncatingIfNeeded: field >> shift))
            }
        }
        for hour in 0..<(Self.quartersPerWeek / 4) {
            octets.append(
                (0..<4).reduce(UInt8(0)) { $0 << 1 | (isOpen(quarter: hour * 4 + $1) ? 1 : 0) }
            )
        }
        return octets
    }
}
