import Testing

@Suite struct `Intersite message` {}
