import Identifiers
import Replication

/// A stamp as 36 octets in one column: version, time, invocationID, originating USN, each big-endian.
enum StampOctets {
    static let count = 36

    static func octets(of stamp: Stamp) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            bytes.storeBytes(of: stamp.version.bigEndian, toByteOffset: 0, as: UInt32.self)
            bytes.storeBytes(of: stamp.time.seconds.bigEndian, toByteOffset: 4, as: Int64.self)
            bytes.storeBytes(of: stamp.invocationID.high.bigEndian, toByteOffset: 12, as: UInt64.self)
            bytes.storeBytes(of: stamp.invocationID.low.bigEndian, toByteOffset: 20, as: UInt64.self)
            bytes.storeBytes(of: stamp.originatingUSN.rawValue.bigEndian, toByteOffset: 28, as: Int64.self)
            initialized = count
        }
    }

    static func stamp(_ octets: [UInt8]) throws -> Stamp {
        guard octets.count == count else {
            throw StoreError.damaged("a stamp column without \(count) octets")
        }
        return octets.withUnsafeBytes { bytes in
            Stamp(
                version: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self)),
                time: Timestamp(
                    seconds: Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: Int64.self))
                ),
                invocationID: GUID(
                    high: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 12, as: UInt64.self)),
                    low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 20, as: UInt64.self))
                ),
                originatingUSN: USN(
                    Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: 28, as: Int64.self))
                )
            )
        }
    }
}
