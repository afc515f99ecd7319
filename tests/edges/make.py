"""The files of this folder are ROOT's own, since uproot cannot write such branches: pip install root, then python
tests/edges/make.py."""

import ROOT


def leaf_list(path: str) -> None:
    "Branches that are several columns each."
    ROOT.gInterpreter.Declare("struct FourMomentum {float pt; float eta; float phi; float mass; int n;};")
    jet = ROOT.FourMomentum()
    file, tree = ROOT.TFile(path, "RECREATE"), ROOT.TTree("T", "a leaf list")
    tree.Branch("Jet", ROOT.addressof(jet), "pt/F:eta/F:phi/F:mass/F:n/I")
    for i in range(20):
        jet.pt, jet.eta, jet.phi, jet.mass, jet.n = 20 + i, 0.1 * i, 0.05 * i, 3, i
        tree.Fill()
    file.Write()
    file.Close()


def split_vector(path: str) -> None:
    "A vector of four-momenta, split: the branches stand within an object, as in trees of CMS."
    file, tree, jets = (
        ROOT.TFile(path, "RECREATE"),
        ROOT.TTree("T", "a split vector"),
        ROOT.std.vector("ROOT::Math::PtEtaPhiMVector")(),
    )
    tree.Branch("Jets", jets)
    for i in range(100):
        jets.clear()
        for j in range(i % 4):
            jets.push_back(ROOT.Math.PtEtaPhiMVector(30 + j, 1, 0.5, 4))
        tree.Fill()
    file.Write()
    file.Close()


if __name__ == "__main__":
    leaf_list("tests/edges/leaf_list.root")
    split_vector("tests/edges/split_vector.root")
