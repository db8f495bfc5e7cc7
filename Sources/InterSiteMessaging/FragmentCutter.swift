import SecureMail

/// Cuts a payload into pieces of nearly the same size, and puts them together again.
package enum FragmentCutter {
    /// How many pieces to try first for a message whose whole mail takes `octets` where `octetsMax` fit.
    ///
    /// A tenth is spared for what each mail adds; nil when more than the format allows would be needed.
    package static func count(octets: Int, octetsMax: Int) -> Int? {
        guard octets > 0, octetsMax >= 10 else { return nil }
        let room = octetsMax / 10 * 9
        let count = max(2, octets / room + 1)
        return count <= MessageFragment.countMax ? count : nil
    }

    /// The next try after a piece did not fit; nil when no more pieces are allowed.
    package static func count(after count: Int) -> Int? {
        let next = count + max(1, count / 2)
        return next <= MessageFragment.countMax ? next : nil
    }

    /// `count` pieces in order, together the payload; nil when there are not that many octets.
    package static func pieces(of payload: [UInt8], count: Int) -> [ArraySlice<UInt8>]? {
        guard count >= 2, count <= payload.count else { return nil }
        let (size, rest) = payload.count.quotientAndRemainder(dividingBy: count)
        var start = 0
        return (0..<count).map { index in
            let end = start + size + (index < rest ? 1 : 0)
            defer { start = end }
            return payload[start..<end]
        }
    }
}
