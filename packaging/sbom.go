package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// The parts of a software bill of materials that we use: CycloneDX 1.5, https://cyclonedx.org/docs/1.5/json/.
type (
	cyclone struct {
		Format       string         `json:"bomFormat"`
		Spec         string         `json:"specVersion"`
		Version      int            `json:"version"`
		Metadata     cycloneMeta    `json:"metadata"`
		Components   []cyclonePart  `json:"components"`
		Dependencies []cycloneNeeds `json:"dependencies"`
	}
	cycloneMeta struct {
		Timestamp string      `json:"timestamp"`
		Component cyclonePart `json:"component"`
	}
	cyclonePart struct {
		Type       string          `json:"type"`
		Ref        string          `json:"bom-ref"`
		Name       string          `json:"name"`
		Version    string          `json:"version"`
		URL        string          `json:"purl,omitempty"`
		Hashes     []cycloneHash   `json:"hashes,omitempty"`
		Licenses   []cycloneChoice `json:"licenses,omitempty"`
		Properties []cycloneValue  `json:"properties,omitempty"`
	}
	cycloneHash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	cycloneChoice struct {
		License cycloneLicense `json:"license"`
	}
	cycloneLicense struct {
		ID string `json:"id"`
	}
	cycloneValue struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	cycloneNeeds struct {
		Ref string   `json:"ref"`
		On  []string `json:"dependsOn"`
	}
)

// bill returns the software bill of materials: each program that was built, with its hash, and the modules that it says to
// contain.
func (s *stage) bill() ([]byte, error) {
	ours := cyclonePart{Type: "application", Ref: "fluxd", Name: "fluxd", Version: s.release.version,
		Licenses: []cycloneChoice{{cycloneLicense{"Apache-2.0"}}}}
	if s.release.commit != "" {
		ours.Properties = []cycloneValue{{"git:commit", s.release.commit}}
	}
	b := cyclone{Format: "CycloneDX", Spec: "1.5", Version: 1,
		Metadata: cycloneMeta{s.release.time.Format(time.RFC3339), ours}}
	page, err := s.page()
	if err != nil {
		return nil, err
	}
	parts, all := map[string]cyclonePart{}, cycloneNeeds{Ref: "fluxd"}
	for _, t := range s.built {
		for _, program := range programs {
			data, err := os.ReadFile(s.path(t, program))
			if err != nil {
				return nil, err
			}
			sum := sha256.Sum256(data)
			this := cyclonePart{Type: "application", Ref: program + "/" + t.name(), Name: program, Version: s.release.version,
				Hashes:     []cycloneHash{{"SHA-256", hex.EncodeToString(sum[:])}},
				Properties: []cycloneValue{{"go:os", t.os}, {"go:arch", t.arch}}}
			b.Components = append(b.Components, this)
			all.On = append(all.On, this.Ref)
			inside, err := s.linked(t, program)
			if err != nil {
				return nil, err
			}
			if program == "fluxd" {
				inside = append(inside, page...)
			}
			needs := cycloneNeeds{Ref: this.Ref}
			for _, c := range inside {
				part, err := c.part()
				if err != nil {
					return nil, err
				}
				parts[part.Ref] = part
				needs.On = append(needs.On, part.Ref)
			}
			slices.Sort(needs.On)
			b.Dependencies = append(b.Dependencies, needs)
		}
	}
	b.Dependencies = append([]cycloneNeeds{all}, b.Dependencies...)
	for _, ref := range slices.Sorted(maps.Keys(parts)) {
		b.Components = append(b.Components, parts[ref])
	}
	text, err := json.MarshalIndent(b, "", "  ")
	return append(text, '\n'), err
}

// part returns a component as the bill lists it. The hash of a Go module is that of go.sum: of the list of its files and their
// hashes, see https://go.dev/ref/mod#go-sum-files.
func (c component) part() (cyclonePart, error) {
	p := cyclonePart{Type: "library", Ref: c.url(), Name: c.name, Version: c.version, URL: c.url()}
	if sum, is := strings.CutPrefix(c.sum, "h1:"); is {
		hash, err := base64.StdEncoding.DecodeString(sum)
		if err != nil {
			return p, fmt.Errorf("%s: the hash %q: %w", c.name, c.sum, err)
		}
		p.Hashes = []cycloneHash{{"SHA-256", hex.EncodeToString(hash)}}
	}
	return p, nil
}
