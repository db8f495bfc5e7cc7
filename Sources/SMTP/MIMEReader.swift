/// Finds our sealed part in what mail systems make of a message.
package enum MIMEReader {
    package static func findSealedPart(
        in message: [UInt8],
        limits: MIMELimits = MIMELimits()
    ) throws(MIMEError) -> SealedPart {
        throw .noSealedPart
    }

    package static func parseEntity(
        _ bytes: [UInt8],
        limits: MIMELimits = MIMELimits()
    ) throws(MIMEError) -> (header: MailHeader, body: ArraySlice<UInt8>) {
        throw .noSealedPart
    }
}
