/// A replica's local change counter: 1 to 2^63-1 for changes, 0 for "nothing yet".
package struct USN: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int64

    package static let zero = USN(0)
    package static let max = USN(Int64.max)

    package init(rawValue: Int64) { self.rawValue = rawValue }
    package init(_ value: Int64) { rawValue = value }

    /// The next USN; saturates at 2^63-1.
    package var next: USN { USN(rawValue == .max ? .max : rawValue + 1) }
}

extension USN: Comparable {
    package static func < (left: USN, right: USN) -> Bool { left.rawValue < right.rawValue }
}

extension USN: CustomStringConvertible {
    package var description: String { String(rawValue) }
}

extension USN: Codable {
    package init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
