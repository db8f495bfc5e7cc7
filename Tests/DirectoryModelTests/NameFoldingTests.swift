import DirectoryModel
import Testing

@Suite struct `Name folding` {
    @Test(arguments: [
        ("HQ-RES-DC-01", "hq-res-dc-01"), ("  a \t b\n", "a b"), ("", ""), ("   ", ""), ("a\u{ad}b", "ab"),
        ("\u{feff}x\u{200b}", "x"), ("a\u{a0}\u{3000}b", "a b"), ("ΣΊΣΥΦΟΣ", "σι\u{301}συφοσ"), ("ς", "σ"),
        ("ÅNGSTRÖM", "a\u{30a}ngstro\u{308}m"), ("\u{212b}", "a\u{30a}"), ("\u{212a}", "k"), ("ẞ", "ß"),
        ("İ", "i\u{307}"), ("ı", "ı"), ("Ა", "ა"), ("Ᏸ", "Ᏸ"), ("𐐀", "𐐨"), ("한", "\u{1112}\u{1161}\u{11ab}"),
        ("\u{1ec7}", "e\u{323}\u{302}"), ("e\u{302}\u{323}", "e\u{323}\u{302}"),
        ("e\u{301}\u{308}", "e\u{301}\u{308}"), ("ﬁ", "ﬁ"),
        ("\u{fa0c}", "\u{5140}"),
    ])
    func `has one form for names that count as equal`(text: String, expected: String) {
        #expect(Array(NameFolding.folded(text).unicodeScalars) == Array(expected.unicodeScalars))
    }

    @Test func `folds what it has folded to the same, in every script`() {
        // Without the ideographs and syllables, which have no case.
        let scripts = [
            0...0x33ff, 0xa000...0xabff, 0xf900...0xffff, 0x1_0000...0x1_1fff, 0x1_d000...0x1_ffff,
        ]
        for code in scripts.joined() {
            guard let scalar = Unicode.Scalar(UInt32(code)) else { continue }
            let folded = NameFolding.folded("x" + String(scalar))
            if NameFolding.folded(folded).utf8.elementsEqual(folded.utf8) { continue }
            Issue.record("U+\(String(code, radix: 16))")
        }
    }

    @Test func `takes canonically equal texts for equal, whatever the platform's tables`() {
        let seed: UInt64 = 3
        var generator = SeededGenerator(seed: seed)
        let marks: [Unicode.Scalar] = ["\u{301}", "\u{323}", "\u{308}", "\u{327}", "\u{345}"]
        for _ in 0..<2_000 {
            var scalars: [Unicode.Scalar] = ["e"]
            for _ in 0..<3 { if let mark = marks.randomElement(using: &generator) { scalars.append(mark) } }
            let one = String(String.UnicodeScalarView(scalars))
            let two = String(
                String.UnicodeScalarView([scalars[0]] + scalars.dropFirst().shuffled(using: &generator))
            )
            #expect(
                (one == two)
                    == (NameFolding.folded(one, ignoringCase: false)
                        == NameFolding.folded(two, ignoringCase: false)),
                "seed \(seed)"
            )
            if one == two { #expect(NameFolding.folded(one) == NameFolding.folded(two), "seed \(seed)") }
        }
    }

    @Test func `stays linear on hostile runs of marks`() {
        let hostile = "a" + String(repeating: "\u{301}\u{323}", count: 20_000)
        #expect(NameFolding.folded(hostile).unicodeScalars.count == 40_001)
    }

    @Test func `keeps case when asked`() {
        let folded = NameFolding.folded(" A  É\u{308} ", ignoringCase: false)
        #expect(Array(folded.unicodeScalars) == Array("A E\u{301}\u{308}".unicodeScalars))
    }
}
