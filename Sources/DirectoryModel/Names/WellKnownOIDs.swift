/// Attributes and classes that the product's own code touches, by their schema names.
extension OID {
    // MARK: - Names

    package static let cn = OID(arcs: 85, 4, 3)
    package static let ou = OID(arcs: 85, 4, 11)
    package static let dc = OID(arcs: 9, 2342, 19_200_300, 100, 1, 25)
    package static let o = OID(arcs: 85, 4, 10)
    package static let l = OID(arcs: 85, 4, 7)
    package static let st = OID(arcs: 85, 4, 8)
    package static let c = OID(arcs: 85, 4, 6)
    package static let street = OID(arcs: 85, 4, 9)
    package static let uid = OID(arcs: 9, 2342, 19_200_300, 100, 1, 1)
    package static let sn = OID(arcs: 85, 4, 4)
    package static let serialNumber = OID(arcs: 85, 4, 5)
    package static let givenName = OID(arcs: 85, 4, 42)
    package static let displayName = OID(arcs: 96, 840, 1, 113_730, 3, 1, 241)
    package static let description = OID(arcs: 85, 4, 13)
    package static let title = OID(arcs: 85, 4, 12)
    package static let mail = OID(arcs: 9, 2342, 19_200_300, 100, 1, 3)
    package static let telephoneNumber = OID(arcs: 85, 4, 20)
    package static let userPassword = OID(arcs: 85, 4, 35)
    package static let jpegPhoto = OID(arcs: 9, 2342, 19_200_300, 100, 1, 60)

    // MARK: - Every object

    package static let objectClass = OID(arcs: 85, 4, 0)
    package static let name = OID(arcs: 42, 840, 113_556, 1, 4, 1)
    package static let objectGUID = OID(arcs: 42, 840, 113_556, 1, 4, 2)
    package static let isDeleted = OID(arcs: 42, 840, 113_556, 1, 2, 48)
    package static let whenCreated = OID(arcs: 42, 840, 113_556, 1, 2, 2)
    package static let whenChanged = OID(arcs: 42, 840, 113_556, 1, 2, 3)
    package static let uSNCreated = OID(arcs: 42, 840, 113_556, 1, 2, 19)
    package static let uSNChanged = OID(arcs: 42, 840, 113_556, 1, 2, 120)
    package static let distinguishedName = OID(arcs: 85, 4, 49)
    package static let lastKnownParent = OID(arcs: 42, 840, 113_556, 1, 4, 781)
    package static let systemFlags = OID(arcs: 42, 840, 113_556, 1, 4, 375)
    package static let showInAdvancedViewOnly = OID(arcs: 42, 840, 113_556, 1, 2, 169)
    package static let instanceType = OID(arcs: 42, 840, 113_556, 1, 2, 1)
    package static let objectCategory = OID(arcs: 42, 840, 113_556, 1, 4, 782)
    package static let options = OID(arcs: 42, 840, 113_556, 1, 4, 307)
    package static let flags = OID(arcs: 42, 840, 113_556, 1, 4, 38)
    package static let entryUUID = OID(arcs: 43, 6, 1, 1, 16, 4)

    // MARK: - Links and references

    package static let member = OID(arcs: 85, 4, 31)
    package static let memberOf = OID(arcs: 42, 840, 113_556, 1, 2, 102)
    package static let owner = OID(arcs: 85, 4, 32)
    package static let ownerBL = OID(arcs: 42, 840, 113_556, 1, 2, 104)
    package static let manager = OID(arcs: 9, 2342, 19_200_300, 100, 1, 10)
    package static let directReports = OID(arcs: 42, 840, 113_556, 1, 2, 436)
    package static let managedBy = OID(arcs: 42, 840, 113_556, 1, 4, 653)
    package static let managedObjects = OID(arcs: 42, 840, 113_556, 1, 4, 654)
    package static let seeAlso = OID(arcs: 85, 4, 34)
    package static let uniqueMember = OID(arcs: 85, 4, 50)
    package static let roleOccupant = OID(arcs: 85, 4, 33)
    package static let secretary = OID(arcs: 9, 2342, 19_200_300, 100, 1, 21)

    // MARK: - Sites, links, connections and naming contexts

    package static let siteList = OID(arcs: 42, 840, 113_556, 1, 4, 821)
    package static let siteLinkList = OID(arcs: 42, 840, 113_556, 1, 4, 822)
    package static let siteObject = OID(arcs: 42, 840, 113_556, 1, 4, 512)
    package static let siteObjectBL = OID(arcs: 42, 840, 113_556, 1, 4, 513)
    package static let cost = OID(arcs: 42, 840, 113_556, 1, 2, 135)
    package static let replInterval = OID(arcs: 42, 840, 113_556, 1, 4, 1336)
    package static let schedule = OID(arcs: 42, 840, 113_556, 1, 4, 211)
    package static let transportAddressAttribute = OID(arcs: 42, 840, 113_556, 1, 4, 895)
    package static let transportDLLName = OID(arcs: 42, 840, 113_556, 1, 4, 789)
    package static let transportType = OID(arcs: 42, 840, 113_556, 1, 4, 791)
    package static let fromServer = OID(arcs: 42, 840, 113_556, 1, 4, 40)
    package static let enabledConnection = OID(arcs: 42, 840, 113_556, 1, 4, 36)
    package static let generatedConnection = OID(arcs: 42, 840, 113_556, 1, 4, 41)
    package static let serverReference = OID(arcs: 42, 840, 113_556, 1, 4, 515)
    package static let bridgeheadTransportList = OID(arcs: 42, 840, 113_556, 1, 4, 819)
    package static let dNSHostName = OID(arcs: 42, 840, 113_556, 1, 4, 619)
    package static let mailAddress = OID(arcs: 42, 840, 113_556, 1, 4, 786)
    package static let invocationId = OID(arcs: 42, 840, 113_556, 1, 2, 115)
    package static let hasMasterNCs = OID(arcs: 42, 840, 113_556, 1, 2, 14)
    package static let hasPartialReplicaNCs = OID(arcs: 42, 840, 113_556, 1, 2, 15)
    package static let interSiteTopologyGenerator = OID(arcs: 42, 840, 113_556, 1, 4, 1246)
    package static let interSiteTopologyFailover = OID(arcs: 42, 840, 113_556, 1, 4, 1248)
    package static let nCName = OID(arcs: 42, 840, 113_556, 1, 2, 16)
    package static let dnsRoot = OID(arcs: 42, 840, 113_556, 1, 4, 28)
    package static let nETBIOSName = OID(arcs: 42, 840, 113_556, 1, 4, 87)
    package static let trustParent = OID(arcs: 42, 840, 113_556, 1, 4, 471)
    package static let replicasOverMail = OID(own: 1, 1)
    package static let retiredInvocation = OID(own: 1, 2)
    package static let crlGraceDays = OID(own: 1, 3)
    package static let lateMailDays = OID(own: 1, 4)
    package static let dsaDisabled = OID(own: 1, 8)
    package static let tombstoneLifetime = OID(arcs: 42, 840, 113_556, 1, 2, 54)

    // MARK: - Certificates

    package static let userCertificate = OID(arcs: 85, 4, 36)
    package static let cACertificate = OID(arcs: 85, 4, 37)
    package static let certificateRevocationList = OID(arcs: 85, 4, 39)
    package static let certificateTemplates = OID(arcs: 42, 840, 113_556, 1, 4, 823)
    package static let cACertificateDN = OID(arcs: 42, 840, 113_556, 1, 4, 697)

    // MARK: - Schema

    package static let attributeID = OID(arcs: 42, 840, 113_556, 1, 2, 30)
    package static let governsID = OID(arcs: 42, 840, 113_556, 1, 2, 22)
    package static let lDAPDisplayName = OID(arcs: 42, 840, 113_556, 1, 2, 460)
    package static let attributeSyntax = OID(arcs: 42, 840, 113_556, 1, 2, 32)
    package static let subClassOf = OID(arcs: 42, 840, 113_556, 1, 2, 21)
    package static let isMemberOfPartialAttributeSet = OID(arcs: 42, 840, 113_556, 1, 4, 639)
    package static let linkID = OID(arcs: 42, 840, 113_556, 1, 2, 50)
    package static let searchFlags = OID(arcs: 42, 840, 113_556, 1, 2, 334)
    package static let objectClassCategory = OID(arcs: 42, 840, 113_556, 1, 2, 370)

    // MARK: - Classes

    package static let extensibleObject = OID(arcs: 43, 6, 1, 4, 1, 1466, 101, 120, 111)

    /// Our own definitions: 2.25 and a random UUID (X.667), then 1 for attributes or 2 for classes, a number.
    private init(own kind: UInt32, _ number: UInt32) {
        self.init(
            arcs: 105,
            uuid: 114_679_493_644_005_226_379_904_039_816_138_706_207,
            kind,
            number
        )
    }
}
