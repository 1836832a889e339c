package classify

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
)

// ErrModel says that a file is no model that this program can read.
var ErrModel = errors.New("classify: the model is broken, or of another version of the program; train it again")

// magic has the version of the form and of the features.
const magic = "HLCLASS1"

// maxModel bounds a model that is read, in bytes before it is unpacked.
const maxModel = 1 << 30

// file is a model as it is kept.
type file struct {
	Labels   []string
	Sure     float64
	Texts    int
	Pieces   []string
	Weights  []float32
	Planes   []linear
	Sigmoids []sigmoid
}

// Write writes the model: magic, the SHA-256 of what follows, and the packed model.
func (m *Model) Write(w io.Writer) error {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	err := gob.NewEncoder(z).Encode(file{
		Labels: m.Labels, Sure: m.Sure, Texts: m.Texts, Pieces: m.vocabulary.Pieces, Weights: m.vocabulary.Weights, Planes: m.planes, Sigmoids: m.sigmoids,
	})
	if err = errors.Join(err, z.Close()); err != nil {
		return fmt.Errorf("classify: write the model: %w", err)
	}
	sum := sha256.Sum256(packed.Bytes())
	for _, part := range [][]byte{[]byte(magic), sum[:], packed.Bytes()} {
		if _, err := w.Write(part); err != nil {
			return fmt.Errorf("classify: write the model: %w", err)
		}
	}
	return nil
}

// Read reads a model. Errors: ErrModel.
func Read(r io.Reader) (*Model, error) {
	head := make([]byte, len(magic)+sha256.Size)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:len(magic)]) != magic {
		return nil, ErrModel
	}
	packed, err := io.ReadAll(io.LimitReader(r, maxModel))
	if err != nil {
		return nil, fmt.Errorf("classify: read the model: %w", err)
	}
	if sum := sha256.Sum256(packed); !bytes.Equal(sum[:], head[len(magic):]) {
		return nil, ErrModel
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, ErrModel
	}
	var f file
	if err := gob.NewDecoder(z).Decode(&f); err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrModel, err)
	}
	if len(f.Labels) < 2 || len(f.Planes) != len(f.Labels) || len(f.Sigmoids) != len(f.Labels) || len(f.Weights) != len(f.Pieces) {
		return nil, ErrModel
	}
	for _, p := range f.Planes {
		if len(p.W) != len(f.Pieces) {
			return nil, ErrModel
		}
	}
	v := &vocabulary{Pieces: f.Pieces, Weights: f.Weights}
	v.ready()
	return &Model{Labels: f.Labels, Sure: f.Sure, Texts: f.Texts, vocabulary: v, planes: f.Planes, sigmoids: f.Sigmoids}, nil
}
